//! Waiting for whichever comes first, in an order that is written down.
//!
//! `tokio::select!` draws the order of its branches at random; `clippy.toml` forbids it in this workspace.

/// Which branch of a [`sim_select!`](crate::sim_select) came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice<A, B, C, D, E> {
    /// The first.
    A(A),
    /// The second.
    B(B),
    /// The third.
    C(C),
    /// The fourth.
    D(D),
    /// The fifth.
    E(E),
}

/// Waits for the first of two to five futures and runs its branch: `pattern = future => expression`, separated by commas.
///
/// Branches are tried in the order in which they stand, so a tie always goes to the upper one and runs repeat. Patterns must
/// match always; the futures of the other branches are dropped before the branch runs.
///
/// ```
/// # async fn f(sim: ringside_sim::SimHandle, mut replies: ringside_sim::sync::Receiver<u32>) -> Option<u32> {
/// ringside_sim::sim_select! {
///     reply = replies.recv() => reply,
///     () = sim.cycles(100) => None,
/// }
/// # }
/// ```
#[macro_export]
macro_rules! sim_select {
    ($p1:pat = $f1:expr => $b1:expr, $p2:pat = $f2:expr => $b2:expr $(,)?) => {{
        // A block of its own: what the futures borrow is free again when a branch runs.
        let chosen: $crate::select::Choice<
            _,
            _,
            ::core::convert::Infallible,
            ::core::convert::Infallible,
            ::core::convert::Infallible,
        > = {
            let mut f1 = ::core::pin::pin!($f1);
            let mut f2 = ::core::pin::pin!($f2);
            ::core::future::poll_fn(|cx| {
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f1.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::A(value));
                }
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f2.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::B(value));
                }
                ::core::task::Poll::Pending
            })
            .await
        };
        match chosen {
            $crate::select::Choice::A($p1) => $b1,
            $crate::select::Choice::B($p2) => $b2,
        }
    }};
    ($p1:pat = $f1:expr => $b1:expr, $p2:pat = $f2:expr => $b2:expr, $p3:pat = $f3:expr => $b3:expr $(,)?) => {{
        // A block of its own: what the futures borrow is free again when a branch runs.
        let chosen: $crate::select::Choice<
            _,
            _,
            _,
            ::core::convert::Infallible,
            ::core::convert::Infallible,
        > = {
            let mut f1 = ::core::pin::pin!($f1);
            let mut f2 = ::core::pin::pin!($f2);
            let mut f3 = ::core::pin::pin!($f3);
            ::core::future::poll_fn(|cx| {
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f1.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::A(value));
                }
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f2.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::B(value));
                }
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f3.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::C(value));
                }
                ::core::task::Poll::Pending
            })
            .await
        };
        match chosen {
            $crate::select::Choice::A($p1) => $b1,
            $crate::select::Choice::B($p2) => $b2,
            $crate::select::Choice::C($p3) => $b3,
        }
    }};
    ($p1:pat = $f1:expr => $b1:expr, $p2:pat = $f2:expr => $b2:expr, $p3:pat = $f3:expr => $b3:expr, $p4:pat = $f4:expr => $b4:expr $(,)?) => {{
        // A block of its own: what the futures borrow is free again when a branch runs.
        let chosen: $crate::select::Choice<_, _, _, _, ::core::convert::Infallible> = {
            let mut f1 = ::core::pin::pin!($f1);
            let mut f2 = ::core::pin::pin!($f2);
            let mut f3 = ::core::pin::pin!($f3);
            let mut f4 = ::core::pin::pin!($f4);
            ::core::future::poll_fn(|cx| {
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f1.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::A(value));
                }
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f2.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::B(value));
                }
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f3.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::C(value));
                }
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f4.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::D(value));
                }
                ::core::task::Poll::Pending
            })
            .await
        };
        match chosen {
            $crate::select::Choice::A($p1) => $b1,
            $crate::select::Choice::B($p2) => $b2,
            $crate::select::Choice::C($p3) => $b3,
            $crate::select::Choice::D($p4) => $b4,
        }
    }};
    ($p1:pat = $f1:expr => $b1:expr, $p2:pat = $f2:expr => $b2:expr, $p3:pat = $f3:expr => $b3:expr, $p4:pat = $f4:expr => $b4:expr, $p5:pat = $f5:expr => $b5:expr $(,)?) => {{
        // A block of its own: what the futures borrow is free again when a branch runs.
        let chosen: $crate::select::Choice<_, _, _, _, _> = {
            let mut f1 = ::core::pin::pin!($f1);
            let mut f2 = ::core::pin::pin!($f2);
            let mut f3 = ::core::pin::pin!($f3);
            let mut f4 = ::core::pin::pin!($f4);
            let mut f5 = ::core::pin::pin!($f5);
            ::core::future::poll_fn(|cx| {
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f1.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::A(value));
                }
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f2.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::B(value));
                }
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f3.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::C(value));
                }
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f4.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::D(value));
                }
                if let ::core::task::Poll::Ready(value) = ::core::future::Future::poll(f5.as_mut(), cx) {
                    return ::core::task::Poll::Ready($crate::select::Choice::E(value));
                }
                ::core::task::Poll::Pending
            })
            .await
        };
        match chosen {
            $crate::select::Choice::A($p1) => $b1,
            $crate::select::Choice::B($p2) => $b2,
            $crate::select::Choice::C($p3) => $b3,
            $crate::select::Choice::D($p4) => $b4,
            $crate::select::Choice::E($p5) => $b5,
        }
    }};
}
