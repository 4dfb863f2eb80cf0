//! What holds the driver's tasks back while the device is suspended.

use std::cell::Cell;
use std::rc::Rc;

use ringside_sim::sync::Event;

/// Shut while the driver must make nothing available and send no kick (SUSP-DRV-003, 004).
#[derive(Clone)]
pub struct Gate {
    shut: Rc<Cell<bool>>,
    opened: Event,
}

impl Default for Gate {
    fn default() -> Self {
        Gate {
            shut: Rc::default(),
            opened: Event::new("end of the suspension"),
        }
    }
}

impl Gate {
    /// From now on everybody waits.
    pub fn shut(&self) {
        self.shut.set(true);
    }

    /// Everybody goes on.
    pub fn open(&self) {
        self.shut.set(false);
        self.opened.notify();
    }

    /// Is it shut?
    #[must_use]
    pub fn is_shut(&self) -> bool {
        self.shut.get()
    }

    /// Waits until it is open.
    pub async fn pass(&self) {
        while self.shut.get() {
            self.opened.wait().await;
        }
    }
}
