//! Receive modes, MAC and VLAN tables: what a network device lets through.

use std::collections::BTreeSet;

use crate::judge::features::{self, Features};

/// A hardware address.
pub(crate) type Mac = [u8; 6];

/// What must happen to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Accept,
    Drop,
    /// The specification leaves it open.
    Either,
}

/// State of the filters and of steering.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each with its own name"
)]
pub(crate) struct Filter {
    /// Promiscuous mode; `None` until the driver says: the specification names no default, and devices differ.
    pub(crate) promisc: Option<bool>,
    pub(crate) allmulti: bool,
    pub(crate) alluni: bool,
    pub(crate) nomulti: bool,
    pub(crate) nouni: bool,
    pub(crate) nobcast: bool,
    /// Own address, when known.
    pub(crate) mac: Option<Mac>,
    pub(crate) unicast: Vec<Mac>,
    pub(crate) multicast: Vec<Mac>,
    pub(crate) vlans: BTreeSet<u16>,
    /// Active queue pairs.
    pub(crate) pairs: u16,
}

impl Filter {
    /// State after reset.
    pub(crate) fn new(mac: Option<Mac>) -> Self {
        Filter {
            promisc: None,
            allmulti: false,
            alluni: false,
            nomulti: false,
            nouni: false,
            nobcast: false,
            mac,
            unicast: Vec::new(),
            multicast: Vec::new(),
            vlans: BTreeSet::new(),
            pairs: 1,
        }
    }

    /// What must happen to this frame under these features.
    pub(crate) fn fate(&self, frame: &[u8], f: Features) -> Fate {
        let Some(to) = frame.first_chunk::<6>() else {
            return Fate::Either;
        };
        if features::has(f, features::CTRL_VLAN)
            && let Some(id) = vlan(frame)
            && !self.vlans.contains(&id)
        {
            // A priority tag (VLAN 0) names no VLAN; promiscuous mode may or may not include the VLAN filter.
            return if id == 0 || self.promisc != Some(false) {
                Fate::Either
            } else {
                Fate::Drop
            };
        }
        if !features::has(f, features::CTRL_RX) {
            return if self.mac.as_ref() == Some(to) || *to == [0xff; 6] {
                Fate::Accept
            } else {
                Fate::Either
            };
        }
        match (self.promisc, self.by_address(*to)) {
            (Some(true), _) => Fate::Accept,
            (None, Fate::Drop) => Fate::Either,
            (_, fate) => fate,
        }
    }

    /// What the modes and tables other than promiscuous mode make of a destination.
    fn by_address(&self, to: Mac) -> Fate {
        let accept = |yes: bool| if yes { Fate::Accept } else { Fate::Drop };
        if to == [0xff; 6] {
            accept(!self.nobcast)
        } else if to[0] & 1 == 1 {
            accept(!self.nomulti && (self.allmulti || self.multicast.contains(&to)))
        } else if self.nouni {
            Fate::Drop
        } else if self.alluni || self.unicast.contains(&to) || self.mac.as_ref() == Some(&to) {
            Fate::Accept
        } else if self.mac.is_none() {
            Fate::Either
        } else {
            Fate::Drop
        }
    }

    /// Queue pair that a flow selects.
    pub(crate) fn pair(&self, flow: u16) -> u16 {
        ((u32::from(flow) * u32::from(self.pairs)) >> 16) as u16
    }
}

/// VLAN id of an 802.1Q-tagged frame.
fn vlan(frame: &[u8]) -> Option<u16> {
    match frame.get(12..16)? {
        [0x81, 0x00, hi, lo] => Some(u16::from_be_bytes([*hi, *lo]) & 0xfff),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Fate::{Accept as A, Drop as D, Either as E};
    use super::*;

    const RX: Features = 1 << features::CTRL_RX;
    const OWN: Mac = [2, 0, 0, 0, 0, 1];

    fn frame(to: Mac) -> Vec<u8> {
        let mut f = to.to_vec();
        f.resize(60, 0);
        f
    }

    #[test]
    fn modes_in_their_precedence() {
        let (own, foreign, multi, all) = (
            frame(OWN),
            frame([2, 0, 0, 0, 0, 9]),
            frame([1, 0, 0x5e, 0, 0, 1]),
            frame([0xff; 6]),
        );
        let fates = |f: &Filter| [&own, &foreign, &multi, &all].map(|x| f.fate(x, RX));
        // As long as the driver has not said, a device may start in either mode.
        assert_eq!(fates(&Filter::new(Some(OWN))), [A, E, E, A]);
        let base = Filter {
            promisc: Some(false),
            ..Filter::new(Some(OWN))
        };
        assert_eq!(fates(&base), [A, D, D, A]);
        assert_eq!(
            fates(&Filter {
                allmulti: true,
                nobcast: true,
                ..base.clone()
            }),
            [A, D, A, D]
        );
        assert_eq!(
            fates(&Filter {
                allmulti: true,
                nomulti: true,
                ..base.clone()
            }),
            [A, D, D, A]
        );
        assert_eq!(
            fates(&Filter {
                alluni: true,
                ..base.clone()
            }),
            [A, A, D, A]
        );
        assert_eq!(
            fates(&Filter {
                alluni: true,
                nouni: true,
                ..base.clone()
            }),
            [D, D, D, A]
        );
        assert_eq!(
            fates(&Filter {
                promisc: Some(true),
                nouni: true,
                nobcast: true,
                ..base.clone()
            }),
            [A; 4]
        );
        assert_eq!(
            fates(&Filter {
                unicast: vec![[2, 0, 0, 0, 0, 9]],
                multicast: vec![[1, 0, 0x5e, 0, 0, 1]],
                ..base.clone()
            }),
            [A; 4]
        );
        assert_eq!(base.fate(&foreign, 0), E);
        let nameless = Filter { mac: None, ..base };
        assert_eq!(nameless.fate(&foreign, RX), E);
    }

    #[test]
    fn vlan_filtering_and_steering() {
        let mut f = Filter {
            promisc: Some(false),
            ..Filter::new(Some(OWN))
        };
        let mut tagged = frame(OWN);
        tagged[12..16].copy_from_slice(&[0x81, 0, 0x20, 5]);
        let features = RX | 1 << features::CTRL_VLAN;
        assert_eq!(f.fate(&tagged, features), Fate::Drop);
        assert_eq!(f.fate(&tagged, RX), Fate::Accept);
        f.vlans.insert(5);
        assert_eq!(f.fate(&tagged, features), Fate::Accept);
        f.pairs = 4;
        assert_eq!([0, 0x3fff, 0x4000, 0xffff].map(|x| f.pair(x)), [0, 0, 1, 3]);
    }
}
