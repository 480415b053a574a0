//! `fileSidecar`.

use super::property::{Object, Property, Shape};
use crate::spec::transfer::Transfer;

/// Settings of the carriers `init-files` and `out-files`.
pub const CARRIER: Object = Object {
    name: "FileSidecar",
    about: "Settings of the carriers: the init container `init-files` and the container `out-files`. They exist only when files go in or out.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read(
            "image",
            Shape::Image,
            "Image of the carriers; it needs a POSIX shell, `tar`, and `wget` or `curl`.",
        )
        .default("busybox"),
        Property::read(
            "resources",
            Shape::Kubernetes("ResourceRequirements"),
            "Requests and limits of the carriers; they win over those of any default.",
        ),
        Property::read(
            "defaultSpec",
            Shape::Kubernetes("Container"),
            "Container fields of the carriers; it takes the place of `containerDefaultSpec` for them.",
        ),
        Property::read(
            "medium",
            Shape::Words(&["Memory", ""]),
            "Where the working directory lies: `Memory`, or the node's disk when nothing is said.",
        ),
        Property::read("sizeLimit", Shape::Quantity, "Most that the working directory may hold."),
        Property::read(
            "transfer",
            Shape::Words(&Transfer::WORDS),
            "How files move: `direct` by the deployment's helper, which talks to the bucket itself; `exec` through the API server; `auto` directly where that can be.",
        )
        .default("auto"),
    ]],
};
