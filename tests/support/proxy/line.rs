//! A bad line: bytes that come late, or not at all. Knows nothing of what they mean.

use std::future::pending;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::Counts;

/// How a connection behaves. `after` are the bytes, of both directions together, that it carries before that.
#[derive(Clone, Copy, Debug)]
pub enum Line {
    /// As it should.
    Sound,
    /// It stays open, and nothing comes through any more.
    Hangs { after: u64 },
    /// It is reset.
    Breaks { after: u64 },
    /// A byte a second comes through.
    Trickles { after: u64 },
}

impl Line {
    fn room(self, carried: u64) -> usize {
        let after = match self {
            Line::Sound => return usize::MAX,
            Line::Hangs { after } | Line::Breaks { after } | Line::Trickles { after } => after,
        };
        usize::try_from(after.saturating_sub(carried)).unwrap()
    }
}

pub(super) async fn serve(listener: TcpListener, port: u16, line: Line, counts: Arc<Counts>) {
    while let Ok((client, _)) = listener.accept().await {
        let counts = counts.clone();
        tokio::spawn(async move {
            // Whatever ends a connection ends both of its sides.
            let _ = carry(client, port, line, &counts).await;
        });
    }
}

async fn carry(client: TcpStream, port: u16, line: Line, counts: &Counts) -> io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    if matches!(line, Line::Breaks { .. }) {
        client.set_zero_linger()?;
    }
    let carried = AtomicU64::new(0);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let copy = |from, to, count| copy(from, to, line, &carried, count, counts);
    tokio::try_join!(
        copy(from_client, to_server, &counts.up),
        copy(from_server, to_client, &counts.down)
    )
    .map(drop)
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    line: Line,
    carried: &AtomicU64,
    count: &AtomicU64,
    counts: &Counts,
) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let room = line.room(carried.load(Ordering::Relaxed)).min(length);
        to.write_all(&buffer[..room]).await?;
        carried.fetch_add(room as u64, Ordering::Relaxed);
        count.fetch_add(room as u64, Ordering::Relaxed);
        let rest = &buffer[room..length];
        if rest.is_empty() {
            continue;
        }
        counts.fault();
        match line {
            Line::Sound => {}
            Line::Hangs { .. } => return pending().await,
            Line::Breaks { .. } => return Err(io::ErrorKind::ConnectionReset.into()),
            Line::Trickles { .. } => {
                for byte in rest {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    to.write_all(&[*byte]).await?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}
