//! SIGINT and SIGTERM: a run is ended in good order, anything else at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Signal number of an interrupt from the keyboard.
const SIGINT: u8 = 2;
/// Signal number of a request to end.
const SIGTERM: u8 = 15;
/// What a shell adds to a signal's number for an exit code.
const SIGNALLED: u8 = 128;

/// The signal that came; 0: none.
static CAME: AtomicU8 = AtomicU8::new(0);
/// A run is under way and looks at its flag.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Listens for signals from now on, in a thread of its own.
#[derive(Clone, Debug)]
pub(super) struct Interrupt {
    stop: Arc<AtomicBool>,
}

impl Interrupt {
    /// Starts to listen. Where that cannot be, signals do what they always do.
    pub(super) fn listen() -> Self {
        let interrupt = Interrupt { stop: Arc::default() };
        let stop = Arc::clone(&interrupt.stop);
        let _ = std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || wait(&stop));
        interrupt
    }

    /// The flag that ends a run.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Does something that looks at the flag.
    pub(super) fn during<T>(work: impl FnOnce() -> T) -> T {
        RUNNING.store(true, Ordering::SeqCst);
        let done = work();
        RUNNING.store(false, Ordering::SeqCst);
        done
    }
}

/// The signal's name.
pub(super) fn name() -> &'static str {
    match CAME.load(Ordering::SeqCst) {
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        _ => "a signal",
    }
}

/// The exit code of a process that the signal ended.
pub(super) fn code() -> u8 {
    SIGNALLED + CAME.load(Ordering::SeqCst)
}

fn wait(stop: &AtomicBool) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
        return;
    };
    runtime.block_on(async {
        let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        loop {
            let came = std::future::poll_fn(|cx| {
                if int.poll_recv(cx).is_ready() {
                    std::task::Poll::Ready(SIGINT)
                } else {
                    term.poll_recv(cx).map(|_| SIGTERM)
                }
            })
            .await;
            let again = CAME.swap(came, Ordering::SeqCst) != 0;
            stop.store(true, Ordering::SeqCst);
            // Who asks twice, or while nothing looks at the flag, is not kept waiting.
            if again || !RUNNING.load(Ordering::SeqCst) {
                std::process::exit((SIGNALLED + came).into());
            }
        }
    });
}
