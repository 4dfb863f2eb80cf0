//! The host as tests and drivers see it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use ringside_models::tlp::{Body, CplStatus, Tlp};
use ringside_sim::sync::{OneshotReceiver, Receiver, channel_named};
use ringside_sim::{Sim, SimHandle};

use super::bfm::{HostBfm, Outputs, Traffic};
use super::config::{HostConfig, HostConfigError};
use super::dice::Dice;
use super::enumerate::{self, ConfigAccess, EnumerateError};
use super::faults::FaultRule;
use super::function::Function;
use super::latency::ClockRate;
use super::memory::{Memory, Part};
use super::recorder::Recorder;
use super::requests::{Asked, RequestError, Requests, enables};
use super::root_complex::{Interrupt, Intx, ROOT_ID, RootComplex};
use crate::boundary::Boundary;

/// Where the one device sits: bus 1, device 0, function 0.
pub const DEVICE_BDF: u16 = 0x0100;

/// Default time that the host waits for a completion: a real root complex gives up after 50 us to 50 ms.
pub const TIMEOUT_CYCLES: u64 = 100_000;

/// Configuration Request Retry Status: how often and after how many cycles the host asks again.
const RETRIES: u32 = 100;
const RETRY_CYCLES: u64 = 1000;

struct Shared {
    sim: SimHandle,
    memory: Memory,
    recorder: Recorder,
    requests: Requests,
    root: Rc<RefCell<RootComplex>>,
    config: HostConfig,
    clock: ClockRate,
    timeout_cycles: Cell<u64>,
    interrupts: RefCell<Option<Receiver<Interrupt>>>,
    intx: RefCell<Option<Receiver<Intx>>>,
    traffic: Rc<Traffic>,
}

/// Handle to the host; clones are the same host.
#[derive(Clone)]
pub struct Host(Rc<Shared>);

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

impl Host {
    /// Puts a host on the boundary of the device in `sim`. All that it does per cycle it does as a bus model.
    ///
    /// # Errors
    /// [`HostConfigError`]: a value out of its range.
    pub fn install(
        sim: &mut Sim,
        boundary: &Boundary,
        config: &HostConfig,
        clock_mhz: f64,
        recorder: Recorder,
        run_seed: u64,
    ) -> Result<Host, HostConfigError> {
        config.check()?;
        let handle = sim.handle();
        recorder.attach(handle.clone());
        let clock = ClockRate::from_mhz(clock_mhz);
        let memory = Memory::new(
            &config.memory,
            clock,
            recorder.clone(),
            Dice::new(run_seed, "host/memory"),
        );
        let root = RootComplex::new(config, clock, memory.clone(), recorder.clone(), run_seed);
        let root = Rc::new(RefCell::new(root));
        let requests = Requests::default();
        let traffic = Rc::new(Traffic::default());
        let (interrupt_out, interrupts) = channel_named("interrupt");
        let (intx_out, intx) = channel_named("INTx level");
        sim.add_bfm(Box::new(HostBfm::new(
            boundary,
            config,
            clock,
            Rc::clone(&root),
            requests.clone(),
            recorder.clone(),
            Outputs {
                interrupts: interrupt_out,
                intx: intx_out,
            },
            Rc::clone(&traffic),
            run_seed,
        )));
        Ok(Host(Rc::new(Shared {
            sim: handle,
            memory,
            recorder,
            requests,
            root,
            config: config.clone(),
            clock,
            timeout_cycles: Cell::new(TIMEOUT_CYCLES),
            interrupts: RefCell::new(Some(interrupts)),
            intx: RefCell::new(Some(intx)),
            traffic,
        })))
    }

    /// The shared memory.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.0.memory
    }

    /// The event stream.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.0.recorder
    }

    /// The simulation.
    #[must_use]
    pub fn sim(&self) -> &SimHandle {
        &self.0.sim
    }

    /// What it was configured to.
    #[must_use]
    pub fn config(&self) -> &HostConfig {
        &self.0.config
    }

    /// The clock of the boundary.
    #[must_use]
    pub fn clock(&self) -> ClockRate {
        self.0.clock
    }

    /// What has been moved so far.
    #[must_use]
    pub fn traffic(&self) -> &Rc<Traffic> {
        &self.0.traffic
    }

    /// Message signalled interrupts, in order of arrival. There is one receiver: the second call gets `None`.
    #[must_use]
    pub fn take_interrupts(&self) -> Option<Receiver<Interrupt>> {
        self.0.interrupts.borrow_mut().take()
    }

    /// Changes of `INTx` lines, in order of arrival. There is one receiver: the second call gets `None`.
    #[must_use]
    pub fn take_intx(&self) -> Option<Receiver<Intx>> {
        self.0.intx.borrow_mut().take()
    }

    /// Makes reads of the device fail from now on.
    pub fn inject(&self, rule: FaultRule) {
        self.0.root.borrow_mut().inject(rule);
    }

    /// Answers no read of this part of a queue's memory until [`Host::release`].
    pub fn withhold(&self, queue: u16, part: Part) {
        self.0.root.borrow_mut().withhold(queue, part);
    }

    /// Answers reads of a queue's memory again, those that wait too.
    pub fn release(&self, queue: u16) {
        self.0.root.borrow_mut().release(self.0.sim.now(), queue);
    }

    /// How long requests of the host may take from now on.
    pub fn set_timeout_cycles(&self, cycles: u64) {
        self.0.timeout_cycles.set(cycles);
    }

    /// Nothing is under way in either direction.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.root.borrow().is_idle() && self.0.requests.is_idle() && !self.0.traffic.sending.get()
    }

    /// Waits until nothing has been under way, and no packet has moved, for `cycles` cycles.
    pub async fn quiet(&self, cycles: u64) {
        let me = self.clone();
        let mut packets = self.0.traffic.packets.get();
        let mut since = self.0.sim.now();
        let quiet = move || {
            let now = me.0.sim.now();
            let count = me.0.traffic.packets.get();
            if count != packets || !me.is_idle() {
                (packets, since) = (count, now);
            }
            now - since >= cycles
        };
        self.0.sim.until("quiet host", quiet).await;
    }

    /// Full barrier: waits until every store so far can be seen by the device, so that a load that follows is ordered behind them.
    pub async fn full_barrier(&self) {
        self.0.memory.barrier();
        self.0.sim.until_cycle(self.0.memory.visible_at()).await;
    }

    async fn answer(
        &self,
        asked: Asked,
        receiver: OneshotReceiver<Result<Vec<u8>, RequestError>>,
    ) -> Result<Vec<u8>, RequestError> {
        let cycles = self.0.timeout_cycles.get();
        match self.0.sim.timeout(cycles, receiver).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(RequestError::Ended { asked }),
            Err(_) => Err(RequestError::Timeout { asked, cycles }),
        }
    }

    /// Configuration reads are retried as long as the device says so (CRS).
    async fn config_request(&self, asked: Asked, want: usize, tlp: Tlp) -> Result<Vec<u8>, RequestError> {
        let mut tries = 0;
        loop {
            let not_before = self.0.memory.ordered_at();
            let receiver = self.0.requests.ask(tlp.clone(), asked, want, not_before);
            match self.answer(asked, receiver).await {
                Err(RequestError::Status {
                    status: CplStatus::Crs,
                    ..
                }) if tries < RETRIES => {
                    tries += 1;
                    self.0.sim.cycles(RETRY_CYCLES).await;
                }
                other => return other,
            }
        }
    }

    /// Reads the dword of configuration space at `reg`.
    ///
    /// # Errors
    /// [`RequestError`]: `reg` is no multiple of 4 below 4096, no completion, or a bad one.
    pub async fn config_read(&self, reg: u16) -> Result<u32, RequestError> {
        self.config_read_sized(reg & !3, 4)
            .await
            .and_then(|value| match reg & 3 {
                0 => Ok(value),
                _ => Err(RequestError::Access {
                    addr: reg.into(),
                    size: 4,
                }),
            })
    }

    /// Reads 1, 2 or 4 bytes of configuration space with the matching byte enables.
    ///
    /// # Errors
    /// [`RequestError`]: no such access, no completion, or a bad one.
    pub async fn config_read_sized(&self, reg: u16, size: usize) -> Result<u32, RequestError> {
        let (_, fbe, _) = config_enables(reg, size)?;
        let asked = Asked::ConfigRead { bdf: DEVICE_BDF, reg };
        let tlp = Tlp::new(Body::CfgRd {
            req: ROOT_ID,
            tag: 0,
            target: DEVICE_BDF,
            reg: reg & !3,
            fbe,
        });
        let data = self.config_request(asked, 4, tlp).await?;
        Ok(pick(&data, (reg & 3).into(), size) as u32)
    }

    /// Writes 1, 2 or 4 bytes of configuration space; done when the device has answered.
    ///
    /// # Errors
    /// [`RequestError`]: no such access, no completion, or a bad one.
    pub async fn config_write(&self, reg: u16, size: usize, value: u32) -> Result<(), RequestError> {
        let (_, fbe, _) = config_enables(reg, size)?;
        let asked = Asked::ConfigWrite { bdf: DEVICE_BDF, reg };
        let shifted = value << (8 * (reg & 3));
        let tlp = Tlp::new(Body::CfgWr {
            req: ROOT_ID,
            tag: 0,
            target: DEVICE_BDF,
            reg: reg & !3,
            fbe,
            data: shifted.to_le_bytes().to_vec(),
        });
        self.config_request(asked, 0, tlp).await.map(|_| ())
    }

    /// Reads a register of 1, 2, 4 or 8 bytes, naturally aligned. Earlier register writes arrive before it.
    ///
    /// # Errors
    /// [`RequestError`]: no such access, no completion, or a bad one.
    pub async fn mmio_read(&self, addr: u64, size: usize) -> Result<u64, RequestError> {
        let (dw, fbe, lbe) = enables(addr, size)?;
        let asked = Asked::Read {
            addr,
            len_bytes: size as u64,
        };
        let tlp = Tlp::new(Body::MRd {
            req: ROOT_ID,
            tag: 0,
            addr: addr & !3,
            dw,
            fbe,
            lbe,
        });
        let receiver = self
            .0
            .requests
            .ask(tlp, asked, usize::from(dw) * 4, self.0.memory.ordered_at());
        let data = self.answer(asked, receiver).await?;
        Ok(pick(&data, (addr & 3) as usize, size))
    }

    /// Writes a register of 1, 2, 4 or 8 bytes, naturally aligned. Posted: it returns when the write is queued. It leaves the processor
    /// behind the driver's stores so far (on a weakly ordered one, behind those before the last barrier).
    ///
    /// # Errors
    /// [`RequestError::Access`]: no such access.
    pub fn mmio_post(&self, addr: u64, data: &[u8]) -> Result<(), RequestError> {
        let (dw, fbe, lbe) = enables(addr, data.len())?;
        let mut payload = vec![0; usize::from(dw) * 4];
        let at = (addr & 3) as usize;
        payload[at..at + data.len()].copy_from_slice(data);
        let tlp = Tlp::new(Body::MWr {
            req: ROOT_ID,
            tag: 0,
            addr: addr & !3,
            fbe,
            lbe,
            data: payload,
        });
        self.0.requests.post(tlp, self.0.memory.ordered_at());
        Ok(())
    }

    /// As [`Host::mmio_post`]. It returns when the write is queued, not when it has arrived; a read that follows tells that.
    ///
    /// # Errors
    /// [`RequestError::Access`]: no such access.
    #[expect(
        clippy::unused_async,
        reason = "register accesses of a driver look alike, and a bounded queue may come"
    )]
    pub async fn mmio_write(&self, addr: u64, data: &[u8]) -> Result<(), RequestError> {
        self.mmio_post(addr, data)
    }

    /// Sends any packet as a request of the host, as it is: for tests of a device's manners. No answer is awaited.
    pub fn send_raw(&self, tlp: Tlp) {
        self.0.requests.post(tlp, 0);
    }

    /// Enumerates the device and records where its structures are.
    ///
    /// # Errors
    /// [`EnumerateError`]: the first thing that an operating system could not work with.
    pub async fn enumerate(&self) -> Result<Function, EnumerateError> {
        let function = enumerate::enumerate(self, DEVICE_BDF, &self.0.config.link).await?;
        self.settle(&function);
        Ok(function)
    }

    /// Reads what somebody else made of the device, and records where its structures are. `masks`: what each BAR reads after all ones.
    ///
    /// # Errors
    /// [`EnumerateError`]: the first thing that an operating system could not work with.
    pub async fn adopt(&self, masks: &[u32; 6]) -> Result<Function, EnumerateError> {
        let function = enumerate::describe(self, DEVICE_BDF, masks).await?;
        self.settle(&function);
        Ok(function)
    }

    /// The machine takes writes to these addresses for interrupts, beside [`MSI_WINDOW`](super::MSI_WINDOW).
    pub fn take_interrupts_at(&self, addresses: BTreeSet<u64>) {
        self.0.root.borrow_mut().set_interrupt_addresses(addresses);
    }

    /// The max payload size in force from now on, both ways.
    pub fn set_payload_bytes(&self, mps_bytes: u32) {
        self.0.root.borrow_mut().set_payload_bytes(mps_bytes);
    }

    fn settle(&self, function: &Function) {
        self.0.root.borrow_mut().set_payload_bytes(function.mps_bytes);
        let now = self.0.sim.now();
        for map in function.maps() {
            self.0.recorder.record(now, map);
        }
    }
}

impl ConfigAccess for Host {
    async fn read(&self, reg: u16) -> Result<u32, RequestError> {
        self.config_read(reg).await
    }

    async fn write(&self, reg: u16, size: usize, value: u32) -> Result<(), RequestError> {
        self.config_write(reg, size, value).await
    }
}

fn config_enables(reg: u16, size: usize) -> Result<(u16, u8, u8), RequestError> {
    if size > 4 || reg >= 4096 {
        return Err(RequestError::Access {
            addr: reg.into(),
            size,
        });
    }
    enables(reg.into(), size)
}

/// The little-endian value of `size` bytes at `at`.
fn pick(data: &[u8], at: usize, size: usize) -> u64 {
    data.iter()
        .skip(at)
        .take(size)
        .rev()
        .fold(0, |value, b| value << 8 | u64::from(*b))
}
