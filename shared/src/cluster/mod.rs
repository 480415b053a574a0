//! The cluster: how it is reached, and the few things Longshore does there.

pub mod access;
pub mod aws;
pub mod client;
pub mod connection;
mod der;
pub mod derivation;
pub mod directory;
pub mod eks;
pub mod error;
pub mod exec;
pub mod group;
pub mod keystore;
pub mod kube;
pub mod kubeconfig;
pub mod reach;
pub mod sources;
pub mod tls;
pub mod version;
mod write;
