//! What the helper of one attempt may store: four signed forms and where to get them.

use std::time::Duration;

use bytes::Bytes;

use crate::environment::Environment;
use crate::files::form::{FormOrder, Keys};
use crate::outputs::direct::{
    DONE, FORMAT_VERSION, Form, Grants, LOGS, MAX_DONE_BYTES, OUTPUTS, PIECE_BYTES, PIECES, SHA256,
};
use crate::resolve::transfer::{grant_seconds, wrapped};
use crate::run::record::Record;
use crate::store::bucket::{BucketError, Condition};
use crate::store::keys;
use crate::store::upload::HOPS;

/// Sign the grants of the attempt under way and leave them in the bucket; the answer is a URL to them, or `None` when no helper uploads anything.
///
/// # Errors
/// The bucket's.
pub async fn grant(environment: &Environment, record: &Record) -> Result<Option<String>, BucketError> {
    let files = &record.plan.files;
    if !files.uploads() {
        return Ok(None);
    }
    let life = Duration::from_secs(grant_seconds(&record.plan));
    let number = record.attempt.number;
    let prefix = keys::attempt(&record.run_id, number, "");
    let metadata = |name: &str| format!("x-amz-meta-{name}");
    let order = |keys: Keys, max_bytes: u64| FormOrder {
        keys,
        max_bytes,
        fixed: Vec::new(),
        open: Vec::new(),
        now: environment.clock.now(),
        life,
    };
    let below = |folder: &str| order(Keys::Below(format!("{prefix}{folder}")), PIECE_BYTES);
    let outputs = FormOrder {
        // As of every output: whoever is triggered by one knows how many runs led to it.
        fixed: vec![(metadata(HOPS), record.hops.saturating_add(1).to_string())],
        open: vec![metadata(SHA256), "x-amz-checksum-sha256".to_owned()],
        ..below(OUTPUTS)
    };
    let mut url = String::new();
    let mut forms = Vec::new();
    for order in
        [outputs, below(PIECES), below(LOGS), order(Keys::Exactly(format!("{prefix}{DONE}")), MAX_DONE_BYTES)]
    {
        let signed = environment.files.form(&order).await?;
        url = signed.url;
        forms.push(Form { fields: signed.fields.into_iter().collect() });
    }
    let mut forms = forms.into_iter();
    let mut next = || forms.next().unwrap_or_default();
    let grants = Grants {
        format_version: FORMAT_VERSION,
        url,
        prefix,
        outputs: next(),
        pieces: next(),
        logs: next(),
        done: next(),
        globs: files.outputs.clone(),
        output_dir: files.output_dir.clone(),
        container: wrapped(&record.plan).map(str::to_owned),
    };
    let key = keys::input(&record.run_id, &format!("grants-{number}.json"));
    let text = serde_json::to_vec(&grants).unwrap_or_default();
    environment.bucket.put(&key, Bytes::from(text), Condition::Always).await?;
    Ok(Some(environment.files.presign(environment.bucket.name(), &key, life).await?))
}
