//! Commands of the network control queue (spec-digest 5.1).

use ringside_models::hex;
use serde::{Deserialize, Serialize};

use super::coalesce::Limits;

/// A MAC address as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress(pub [u8; 6]);

impl TryFrom<String> for MacAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|p| p.len() == 2);
            *byte = part
                .and_then(|p| u8::from_str_radix(p, 16).ok())
                .ok_or_else(|| format!("a MAC address such as \"02:00:00:00:00:01\", got {text:?}"))?;
        }
        match parts.next() {
            None => Ok(MacAddress(bytes)),
            Some(_) => Err(format!("six bytes in a MAC address, got {text:?}")),
        }
    }
}

impl From<MacAddress> for String {
    fn from(mac: MacAddress) -> String {
        hex::text(&mac.0, ":")
    }
}

/// A receive mode that can be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RxMode {
    /// Take every frame.
    Promisc,
    /// Take every multicast frame.
    Allmulti,
    /// Take every unicast frame.
    Alluni,
    /// Take no multicast frame.
    Nomulti,
    /// Take no unicast frame.
    Nouni,
    /// Take no broadcast frame.
    Nobcast,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Switch a receive mode.
    RxMode {
        /// Which.
        mode: RxMode,
        /// To what.
        on: bool,
    },
    /// Replace the tables of addresses.
    MacTable {
        /// Unicast addresses.
        #[serde(default)]
        unicast: Vec<MacAddress>,
        /// Multicast addresses.
        #[serde(default)]
        multicast: Vec<MacAddress>,
    },
    /// Set the device's own address.
    MacAddr {
        /// The address.
        mac: MacAddress,
    },
    /// Let a VLAN in.
    VlanAdd {
        /// Its id.
        id: u16,
    },
    /// Keep a VLAN out.
    VlanDel {
        /// Its id.
        id: u16,
    },
    /// Set the number of queue pairs in use.
    Pairs {
        /// How many.
        pairs: u16,
    },
    /// Set interrupt moderation of all transmit queues.
    TxCoalesce(Limits),
    /// Set interrupt moderation of all receive queues.
    RxCoalesce(Limits),
    /// Set interrupt moderation of one queue.
    QueueCoalesce {
        /// virtqueue index.
        queue: u16,
        /// Reserved bits of the command, which a device has to ignore.
        #[serde(default)]
        reserved: u16,
        /// Most packets before an interrupt.
        max_packets: u32,
        /// Longest delay of an interrupt in microseconds.
        max_usecs: u32,
    },
    /// Ask for interrupt moderation of one queue.
    GetQueueCoalesce {
        /// virtqueue index.
        queue: u16,
        /// Reserved bits of the command, which a device has to ignore.
        #[serde(default)]
        reserved: u16,
        /// What the answer must be, if it is ok.
        #[serde(default)]
        is: Option<Limits>,
        /// Lengths of the elements of the writable part: acknowledge, then result. Absent: 1 and 8, as Linux lays them out.
        #[serde(default)]
        pieces: Option<Vec<u32>>,
    },
    /// Any bytes, right or wrong.
    Raw {
        /// The readable part: class, command, data.
        bytes: Vec<u8>,
    },
}

impl Command {
    /// The readable part of the command's chain.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Command::RxMode { mode, on } => vec![0, *mode as u8, u8::from(*on)],
            Command::MacTable { unicast, multicast } => {
                let mut b = vec![1, 0];
                for table in [unicast, multicast] {
                    b.extend_from_slice(&(table.len() as u32).to_le_bytes());
                    for mac in table {
                        b.extend_from_slice(&mac.0);
                    }
                }
                b
            }
            Command::MacAddr { mac } => [&[1, 1], &mac.0[..]].concat(),
            Command::VlanAdd { id } => [&[2, 0], &id.to_le_bytes()[..]].concat(),
            Command::VlanDel { id } => [&[2, 1], &id.to_le_bytes()[..]].concat(),
            Command::Pairs { pairs } => [&[4, 0], &pairs.to_le_bytes()[..]].concat(),
            Command::TxCoalesce(limits) => [&[6, 0], &limits.bytes()[..]].concat(),
            Command::RxCoalesce(limits) => [&[6, 1], &limits.bytes()[..]].concat(),
            Command::QueueCoalesce {
                queue,
                reserved,
                max_packets,
                max_usecs,
            } => {
                let limits = Limits {
                    max_packets: *max_packets,
                    max_usecs: *max_usecs,
                };
                let (queue, reserved) = (queue.to_le_bytes(), reserved.to_le_bytes());
                [&[6, 2], &queue[..], &reserved, &limits.bytes()].concat()
            }
            Command::GetQueueCoalesce { queue, reserved, .. } => {
                [&[6, 3], &queue.to_le_bytes()[..], &reserved.to_le_bytes()].concat()
            }
            Command::Raw { bytes } => bytes.clone(),
        }
    }

    /// Lengths of the elements of its writable part: the acknowledge byte, and the result of a query.
    #[must_use]
    pub fn writable(&self) -> Vec<u32> {
        match self {
            Command::GetQueueCoalesce {
                pieces: Some(pieces), ..
            } => pieces.clone(),
            Command::GetQueueCoalesce { .. } => vec![1, 8],
            _ => vec![1],
        }
    }

    /// The result that its ok answer must carry, if it says.
    #[must_use]
    pub fn result(&self) -> Option<Vec<u8>> {
        match self {
            Command::GetQueueCoalesce { is: Some(limits), .. } => Some(limits.bytes().to_vec()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_coded_as_the_specification_says() {
        let mac = MacAddress([2, 0, 0, 0, 0, 1]);
        assert_eq!(
            Command::RxMode {
                mode: RxMode::Nobcast,
                on: true
            }
            .bytes(),
            [0, 5, 1]
        );
        assert_eq!(
            Command::MacTable {
                unicast: vec![],
                multicast: vec![mac]
            }
            .bytes(),
            [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 1]
        );
        assert_eq!(Command::MacAddr { mac }.bytes(), [1, 1, 2, 0, 0, 0, 0, 1]);
        assert_eq!(Command::VlanAdd { id: 0x123 }.bytes(), [2, 0, 0x23, 1]);
        assert_eq!(Command::Pairs { pairs: 4 }.bytes(), [4, 0, 4, 0]);
        let limits = Limits {
            max_packets: 0x102,
            max_usecs: 3,
        };
        assert_eq!(
            Command::TxCoalesce(limits).bytes(),
            [6, 0, 2, 1, 0, 0, 3, 0, 0, 0]
        );
        assert_eq!(
            Command::RxCoalesce(limits).bytes(),
            [6, 1, 2, 1, 0, 0, 3, 0, 0, 0]
        );
        let set = Command::QueueCoalesce {
            queue: 5,
            reserved: 0x0809,
            max_packets: 1,
            max_usecs: 2,
        };
        assert_eq!(set.bytes(), [6, 2, 5, 0, 9, 8, 1, 0, 0, 0, 2, 0, 0, 0]);
        let get = Command::GetQueueCoalesce {
            queue: 5,
            reserved: 0,
            is: Some(limits),
            pieces: None,
        };
        assert_eq!(get.bytes(), [6, 3, 5, 0, 0, 0]);
        assert_eq!(
            (get.writable(), get.result()),
            (vec![1, 8], Some(vec![2, 1, 0, 0, 3, 0, 0, 0]))
        );
    }

    #[test]
    fn mac_addresses_are_read_with_care() {
        let read = |s: &str| MacAddress::try_from(s.to_owned());
        assert_eq!(read("02:52:53:00:00:ff").unwrap().0, [2, 0x52, 0x53, 0, 0, 0xff]);
        for bad in [
            "",
            "02:52",
            "02:52:53:00:00:fg",
            "02:52:53:00:00:01:02",
            "2:52:53:00:00:01",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
