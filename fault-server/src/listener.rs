//! The thread that accepts, the threads of the connections, and their end.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use socket2::{Domain, Socket, Type};

use super::context::Context;
use super::serving::serve;

#[derive(Debug)]
pub(super) struct Listener {
    address: SocketAddr,
    context: Arc<Context>,
    /// `None` once stopped.
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    thread: JoinHandle<Vec<Served>>,
    /// A connection from this address ends the accepting. It is bound from the
    /// start, so that nobody else can have it.
    waker: Socket,
}

/// One connection and its thread.
#[derive(Debug)]
struct Served {
    tcp: Weak<TcpStream>,
    thread: JoinHandle<()>,
}

impl Listener {
    pub(super) fn start(listener: TcpListener, context: Arc<Context>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let waker = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        waker.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        let waker_address = waker.local_addr()?.as_socket();
        let thread = thread::Builder::new().name("fault-server".to_owned()).spawn({
            let context = Arc::clone(&context);
            move || accept(&listener, waker_address, &context)
        })?;
        Ok(Self { address, context, running: Mutex::new(Some(Running { thread, waker })) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts what has connected until now, takes in what has arrived until
    /// now, and ends every thread.
    pub(super) fn stop(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Running { thread, waker }) = running.take() else {
            return;
        };
        self.context.stop.stop();
        // The queue of a listener is first in, first out: when the waker is
        // accepted, everyone who came before it has been.
        if waker.connect(&self.address.into()).is_err() {
            return;
        }
        let Ok(served) = thread.join() else {
            return;
        };
        for one in &served {
            if let Some(tcp) = one.tcp.upgrade() {
                // Wakes whoever reads or writes. What has arrived can still be
                // read.
                let _ = tcp.shutdown(Shutdown::Both);
            }
        }
        for one in served {
            // A thread that panicked, in a handler, has printed why.
            let _ = one.thread.join();
        }
    }
}

fn accept(
    listener: &TcpListener,
    waker: Option<SocketAddr>,
    context: &Arc<Context>,
) -> Vec<Served> {
    let mut served: Vec<Served> = Vec::new();
    let mut accepted = 0;
    loop {
        let (tcp, from) = match listener.accept() {
            Ok(connection) => connection,
            // The client was gone before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return served,
        };
        if Some(from) == waker {
            return served;
        }
        served.retain(|one| !one.thread.is_finished());
        let _ = tcp.set_nodelay(true);
        // Asked without the lock of the log, so that it may look at the server.
        let number = accepted;
        accepted += 1;
        let early = context.connection_handler.as_ref().and_then(|handler| handler(number));
        let early = context.log.connection(context.tls.is_some(), || {
            early.or_else(|| context.source.for_connection())
        });
        let tcp = Arc::new(tcp);
        let weak = Arc::downgrade(&tcp);
        let context = Arc::clone(context);
        let thread = thread::Builder::new()
            .name(format!("fault-server-{number}"))
            .spawn(move || serve(tcp, number, early, context));
        if let Ok(thread) = thread {
            served.push(Served { tcp: weak, thread });
        }
    }
}
