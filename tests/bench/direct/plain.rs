//! A plain transfer by the SDK: parts of 8 MiB, eight at once.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::now;
use crate::stack::Stack;

const PART_BYTES: u64 = 8 * 1024 * 1024;
const AT_ONCE: usize = 8;
const KEY: &str = "plain.bin";

/// Transfers of one object.
pub struct Plain {
    client: Client,
    bucket: String,
    size: u64,
}

impl Plain {
    /// On a stack's store.
    pub fn on(stack: &Stack, size: u64) -> Plain {
        let sdk = local::aws::configure(&stack.endpoints);
        Plain { client: shared::cluster::aws::s3(&sdk, None), bucket: stack.endpoints.bucket.clone(), size }
    }

    fn parts(&self) -> impl Iterator<Item = (i32, u64, u64)> {
        let size = self.size;
        (0..size.div_ceil(PART_BYTES)).zip(1..).map(move |(index, number)| {
            let from = index * PART_BYTES;
            (number, from, PART_BYTES.min(size - from))
        })
    }

    /// How long the upload takes.
    pub async fn upload(&self, path: &Path) -> Result<Duration> {
        let file = File::open(path)?;
        let began = now();
        let started = self.client.create_multipart_upload().bucket(&self.bucket).key(KEY).send().await?;
        let id = started.upload_id().context("no upload")?;
        let sends = self.parts().map(|(number, from, length)| {
            let file = &file;
            async move {
                let mut bytes = vec![0; usize::try_from(length)?];
                file.read_exact_at(&mut bytes, from)?;
                let request = self.client.upload_part().bucket(&self.bucket).key(KEY).upload_id(id);
                let answer = request.part_number(number).body(bytes.into()).send().await?;
                let part = CompletedPart::builder().part_number(number).set_e_tag(answer.e_tag);
                anyhow::Ok(part.build())
            }
        });
        let sends: Vec<_> = sends.collect();
        let parts: Vec<CompletedPart> = stream::iter(sends).buffered(AT_ONCE).try_collect().await?;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(KEY).upload_id(id);
        request.multipart_upload(parts).send().await?;
        Ok(now() - began)
    }

    /// How long the download takes.
    pub async fn download(&self, path: &Path) -> Result<Duration> {
        let file = File::create(path)?;
        let began = now();
        let gets = self.parts().map(|(_, from, length)| {
            let file = &file;
            async move {
                let range = format!("bytes={from}-{}", from + length - 1);
                let request = self.client.get_object().bucket(&self.bucket).key(KEY).range(range);
                let mut body = request.send().await?.body;
                let mut at = from;
                while let Some(bytes) = body.try_next().await? {
                    file.write_all_at(&bytes, at)?;
                    at += bytes.len() as u64;
                }
                anyhow::Ok(())
            }
        });
        let gets: Vec<_> = gets.collect();
        stream::iter(gets).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(now() - began)
    }
}
