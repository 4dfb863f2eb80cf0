//! The boundary's ports by name. Nothing is guessed: a missing or misshapen port is an error that says which and how.

use ringside_sim::{Direction, Port, PortError};

/// Why a design is no Ringside device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoundaryError {
    /// A port is missing.
    #[error("{0} (the boundary is described in rtl/README.md)")]
    Port(#[from] PortError),
    /// A port is there, but not as the boundary wants it.
    #[error("port `{name}` is {got_bits} bit {got}, the boundary wants {want_bits} bit {want}")]
    Shape {
        /// Name.
        name: String,
        /// Width as it is.
        got_bits: u32,
        /// Direction as it is.
        got: &'static str,
        /// Width as it should be.
        want_bits: u32,
        /// Direction as it should be.
        want: &'static str,
    },
    /// The payload width is none that the boundary knows.
    #[error("port `cq_tdata_i` is {got_bits} bit wide, the boundary knows 64, 128, 256 and 512")]
    DataWidth {
        /// Width as it is.
        got_bits: u32,
    },
}

/// The pins of one TLP channel.
#[derive(Clone, Copy, Debug)]
pub struct TlpPorts {
    /// Payload.
    pub tdata: Port,
    /// One bit a dword.
    pub tkeep: Port,
    /// Valid.
    pub tvalid: Port,
    /// Ready.
    pub tready: Port,
    /// Last beat.
    pub tlast: Port,
    /// Header, with the first beat.
    pub thdr: Port,
    /// Prefix.
    pub tprefix: Port,
    /// Is there a prefix?
    pub tprefix_valid: Port,
}

/// The pins of one frame stream.
#[derive(Clone, Copy, Debug)]
pub struct FramePorts {
    /// Frame bytes.
    pub tdata: Port,
    /// One bit a byte.
    pub tkeep: Port,
    /// Valid.
    pub tvalid: Port,
    /// Ready.
    pub tready: Port,
    /// Last beat.
    pub tlast: Port,
}

/// The wire's side of a network device.
#[derive(Clone, Copy, Debug)]
pub struct NetPorts {
    /// Frames to the wire.
    pub tx: FramePorts,
    /// Transmit queue pair of the frame.
    pub tx_queue: Port,
    /// The frame is broken (with the last beat).
    pub tx_error: Port,
    /// Frames from the wire.
    pub rx: FramePorts,
    /// Flow hash of the frame.
    pub rx_flow: Port,
    /// Pulse: the oldest frame was dropped.
    pub rx_drop: Port,
    /// Why.
    pub rx_drop_reason: Port,
    /// Link state.
    pub link_up: Port,
}

/// Credit limits given to the device.
#[derive(Clone, Copy, Debug)]
pub struct CreditPorts {
    /// Posted headers.
    pub ph: Port,
    /// Posted data.
    pub pd: Port,
    /// Non-posted headers.
    pub nph: Port,
    /// Non-posted data.
    pub npd: Port,
    /// Completion headers.
    pub cplh: Port,
    /// Completion data.
    pub cpld: Port,
}

/// All pins of a device.
#[derive(Clone, Copy, Debug)]
pub struct Boundary {
    /// Width of `tdata` in bits.
    pub data_bits: u32,
    /// Host's requests.
    pub cq: TlpPorts,
    /// Device's completions.
    pub cc: TlpPorts,
    /// Device's requests.
    pub rq: TlpPorts,
    /// Host's completions.
    pub rc: TlpPorts,
    /// Credits for `rq` and `cc`.
    pub credits: CreditPorts,
    /// Frame streams, if the device has any port whose name begins with `net_`.
    pub net: Option<NetPorts>,
}

const IN: Direction = Direction::Input;
const OUT: Direction = Direction::Output;

impl Boundary {
    /// Finds all ports; `find` looks one up, as [`ringside_sim::Sim::port`] and [`ringside_sim::Model::port`] do.
    ///
    /// # Errors
    /// [`BoundaryError`]: the first port that is missing or has another shape.
    pub fn resolve(find: impl Fn(&str) -> Result<Port, PortError>) -> Result<Self, BoundaryError> {
        let data_bits = find("cq_tdata_i")?.width();
        if ![64, 128, 256, 512].contains(&data_bits) {
            return Err(BoundaryError::DataWidth { got_bits: data_bits });
        }
        let f = Finder { find, data_bits };
        let limit = |name: &str, bits| f.port(&format!("fc_{name}_limit"), bits, IN);
        let credits = CreditPorts {
            ph: limit("ph", 8)?,
            pd: limit("pd", 12)?,
            nph: limit("nph", 8)?,
            npd: limit("npd", 12)?,
            cplh: limit("cplh", 8)?,
            cpld: limit("cpld", 12)?,
        };
        let has_net = [
            "net_tx_tdata_o",
            "net_rx_tdata_i",
            "net_tx_tvalid_o",
            "net_rx_tvalid_i",
        ]
        .iter()
        .any(|name| (f.find)(name).is_ok());
        Ok(Boundary {
            data_bits,
            cq: f.tlp("cq", IN)?,
            cc: f.tlp("cc", OUT)?,
            rq: f.tlp("rq", OUT)?,
            rc: f.tlp("rc", IN)?,
            credits,
            net: if has_net { Some(f.net()?) } else { None },
        })
    }
}

impl NetPorts {
    /// Finds the wire's ports alone, for a design that has nothing else; payload is `data_bits` wide.
    ///
    /// # Errors
    /// [`BoundaryError`]: the first port that is missing or has another shape.
    pub fn resolve(
        find: impl Fn(&str) -> Result<Port, PortError>,
        data_bits: u32,
    ) -> Result<Self, BoundaryError> {
        Finder { find, data_bits }.net()
    }
}

struct Finder<F> {
    find: F,
    data_bits: u32,
}

fn other(direction: Direction) -> Direction {
    if direction == IN { OUT } else { IN }
}

fn word(direction: Direction) -> &'static str {
    if direction == IN { "input" } else { "output" }
}

impl<F: Fn(&str) -> Result<Port, PortError>> Finder<F> {
    fn port(&self, stem: &str, bits: u32, direction: Direction) -> Result<Port, BoundaryError> {
        let name = format!("{stem}_{}", if direction == IN { "i" } else { "o" });
        let port = (self.find)(&name)?;
        if port.width() == bits && port.direction() == direction {
            return Ok(port);
        }
        Err(BoundaryError::Shape {
            name,
            got_bits: port.width(),
            got: word(port.direction()),
            want_bits: bits,
            want: word(direction),
        })
    }

    fn tlp(&self, channel: &str, direction: Direction) -> Result<TlpPorts, BoundaryError> {
        let p = |pin: &str, bits| self.port(&format!("{channel}_{pin}"), bits, direction);
        Ok(TlpPorts {
            tdata: p("tdata", self.data_bits)?,
            tkeep: p("tkeep", self.data_bits / 32)?,
            tvalid: p("tvalid", 1)?,
            tready: self.port(&format!("{channel}_tready"), 1, other(direction))?,
            tlast: p("tlast", 1)?,
            thdr: p("thdr", 128)?,
            tprefix: p("tprefix", 32)?,
            tprefix_valid: p("tprefix_valid", 1)?,
        })
    }

    fn frames(&self, stream: &str, direction: Direction) -> Result<FramePorts, BoundaryError> {
        let p = |pin: &str, bits| self.port(&format!("{stream}_{pin}"), bits, direction);
        Ok(FramePorts {
            tdata: p("tdata", self.data_bits)?,
            tkeep: p("tkeep", self.data_bits / 8)?,
            tvalid: p("tvalid", 1)?,
            tready: self.port(&format!("{stream}_tready"), 1, other(direction))?,
            tlast: p("tlast", 1)?,
        })
    }

    fn net(&self) -> Result<NetPorts, BoundaryError> {
        Ok(NetPorts {
            tx: self.frames("net_tx", OUT)?,
            tx_queue: self.port("net_tx_queue", 16, OUT)?,
            tx_error: self.port("net_tx_error", 1, OUT)?,
            rx: self.frames("net_rx", IN)?,
            rx_flow: self.port("net_rx_flow", 16, IN)?,
            rx_drop: self.port("net_rx_drop", 1, OUT)?,
            rx_drop_reason: self.port("net_rx_drop_reason", 4, OUT)?,
            link_up: self.port("link_up", 1, IN)?,
        })
    }
}
