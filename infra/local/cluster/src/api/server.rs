//! The listener: TLS, HTTP/1.1 with upgrades, one task per connection.

use super::{Api, attend::attend};
use crate::faults::{Wire, let_through};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// A running listener.
pub(crate) struct Server {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Stop listening and cut every connection.
    pub async fn shutdown(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::warn!(error = %error, "the API server's listener ended badly");
        }
    }
}

/// Serve connections until [`Server::shutdown`].
pub(crate) fn serve(listener: TcpListener, tls: TlsAcceptor, api: Arc<Api>) -> Server {
    let stop = CancellationToken::new();
    let task = tokio::spawn(accept(listener, tls, api, stop.clone()));
    Server { stop, task }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, api: Arc<Api>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, tls.clone(), api.clone(), stop.clone()));
                }
                // Out of descriptors, or a peer that hung up in the queue: the next one may do better.
                Err(error) => {
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::task::yield_now().await;
                }
            },
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, api: Arc<Api>, stop: CancellationToken) {
    // Watches send small lines that must not wait for an acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "a connection keeps its delay");
    }
    let (stream, wire) = Wire::new(stream, api.traffic.clone());
    let stream = match tls.accept(stream).await {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(error = %error, "a TLS handshake failed");
            return;
        }
    };
    let service = service_fn(move |request| {
        let (api, stop, wire) = (api.clone(), stop.clone(), wire.clone());
        api.traffic.request();
        async move { let_through(attend(api, request, stop).await, &wire) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(error = %error, "a connection ended early");
    }
}
