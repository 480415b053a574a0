//! Names become addresses without the C library, which cannot do so when it is linked into the program.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hickory_resolver::TokioResolver;
use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;

/// Asks `/etc/hosts` and the servers of `/etc/resolv.conf`.
#[derive(Clone)]
pub struct Names(Option<Arc<TokioResolver>>);

impl Names {
    /// As this container's files say. Without them only addresses can be reached.
    pub fn of_system() -> Self {
        let resolver = TokioResolver::builder_tokio().and_then(|builder| builder.build());
        Names(resolver.ok().map(Arc::new))
    }
}

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.0.clone();
        Box::pin(async move {
            let resolver = resolver
                .ok_or_else(|| io::Error::other("there is no `/etc/resolv.conf` to resolve names with"))?;
            let found = resolver.lookup_ip(name.as_str()).await.map_err(io::Error::other)?;
            Ok(found.iter().map(|address| SocketAddr::new(address, 0)).collect::<Vec<_>>().into_iter())
        })
    }
}
