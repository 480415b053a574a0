//! Where the embedded cluster answers otherwise, and why.

use Verdict::{NotSupported, OnPurpose};

/// How a difference is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Different on purpose.
    OnPurpose,
    /// Not supported, and refused.
    NotSupported,
}

/// One difference: recording and number (`12/8`), how it is meant, and why or how it is refused.
type Difference = (&'static str, Verdict, &'static str);

const PARSER: &str = "the words after `json parse error` are those of another parser";
const MEDIA_TYPES: &str = "the list of media types names those that are supported here";
const IMMUTABLE: &str = "the words do not end with a diff of the two specs";
const BASE64: &str = "the base64 subprotocols are refused as unknown ones are, with a bare 403";
const TERMINAL: &str = "terminals are refused with 501, before the switch of protocols";
const TOKEN: &str = "tokens of service accounts are not issued; the subresource is refused with 501";
const GROUP: &str = "the group is not served: 404, as for any group that a server does not have";

/// All of them.
pub const DIFFERENCES: &[Difference] = &[
    ("04/1", OnPurpose, PARSER),
    ("04/2", NotSupported, "bodies in YAML are refused with 501; `kubectl` sends JSON"),
    ("04/3", OnPurpose, PARSER),
    ("04/7", OnPurpose, PARSER),
    ("04/8", OnPurpose, MEDIA_TYPES),
    ("10/4", OnPurpose, "a Status instead of plain text; both are 404"),
    ("11/1", OnPurpose, IMMUTABLE),
    ("11/2", OnPurpose, IMMUTABLE),
    ("14/4", NotSupported, "the label operators `>` and `<` are refused with 501"),
    ("15/3", NotSupported, "events are served by the core group only; others are refused with 404"),
    ("20/29", OnPurpose, "`Accept` does not count for logs: the refusal itself is told instead of 406"),
    ("30/10", NotSupported, TERMINAL),
    ("30/11", NotSupported, TERMINAL),
    ("31/10", NotSupported, TERMINAL),
    ("32/18", NotSupported, BASE64),
    ("32/19", NotSupported, BASE64),
    ("32/27", NotSupported, "SPDY is refused with 501 and words that name WebSocket"),
    ("41/0", OnPurpose, "nothing was compacted: a young cluster still knows its first change and tells it"),
    ("53/0", NotSupported, TOKEN),
    ("53/1", NotSupported, TOKEN),
    ("53/2", NotSupported, TOKEN),
    ("53/3", NotSupported, TOKEN),
    ("60/4", NotSupported, GROUP),
    ("60/6", NotSupported, GROUP),
    ("61/8", NotSupported, "answers in YAML are refused with 406; `kubectl -o yaml` asks for JSON"),
    ("61/9", OnPurpose, MEDIA_TYPES),
];

/// The entry of an exchange.
pub fn of(place: &str) -> Option<(Verdict, &'static str)> {
    DIFFERENCES.iter().find(|(other, _, _)| *other == place).map(|(_, verdict, why)| (*verdict, *why))
}
