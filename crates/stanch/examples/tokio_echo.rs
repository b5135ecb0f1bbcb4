//! Serves and calls itself on the loopback for a second, on several threads, and loses three blocks on the way: the
//! test `real` looks for them.
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CALLERS: usize = 4;
const RUN_TIME: Duration = Duration::from_secs(1);

/// Loses a block of this size.
#[inline(never)]
fn lose(bytes: usize) {
    let block: Vec<u8> = Vec::with_capacity(bytes);
    std::mem::forget(black_box(block));
}

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut line = vec![0; 1024];
    loop {
        let count = stream.read(&mut line).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&line[..count]).await?;
    }
}

async fn serve(listener: TcpListener) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(echo(stream));
    }
}

/// Calls until the time is up; true where every answer was right.
async fn call(address: std::net::SocketAddr, number: usize) -> std::io::Result<bool> {
    let started = Instant::now();
    let mut is_right = true;
    while started.elapsed() < RUN_TIME {
        let mut stream = TcpStream::connect(address).await?;
        for turn in 0..20 {
            let message = format!("caller {number}, turn {turn}").into_bytes();
            stream.write_all(&message).await?;
            let mut answer = vec![0; message.len()];
            stream.read_exact(&mut answer).await?;
            is_right &= answer == message;
        }
    }
    if number < 3 {
        lose(1001 + number);
    }
    Ok(is_right)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 3)]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(serve(listener));
    let callers: Vec<_> = (0..CALLERS).map(|number| tokio::spawn(call(address, number))).collect();
    let mut right = 0;
    for caller in callers {
        right += usize::from(caller.await.is_ok_and(|answer| answer.is_ok_and(|is_right| is_right)));
    }
    server.abort();
    writeln!(std::io::stdout(), "{right} of {CALLERS} callers were answered rightly")
}
