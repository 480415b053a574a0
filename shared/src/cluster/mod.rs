//! The cluster: how it is reached, and the few things Longshore does there.

pub mod access;
pub mod aws;
pub mod client;
pub mod connection;
pub mod eks;
pub mod error;
pub mod exec;
pub mod group;
pub mod kube;
pub mod kubeconfig;
