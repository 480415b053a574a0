//! The API server over real HTTPS, with a node that only plays its part. What is expected comes from recordings of a
//! real Kubernetes 1.36, named in the tests.

#[cfg(test)]
mod access;
#[cfg(test)]
mod client;
#[cfg(test)]
#[path = "../faults/mod.rs"]
mod faults;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod node;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod watches;
