//! What every part of the judge shares: the book of checks, shadow memory, the map of addresses, the features in force.

use super::address_map::{RingMap, SpanMap};
use super::features::{self, Features};
use super::net::shape::Shape;
use super::shadow::Shadow;
use super::verdict::Book;
use crate::event::Header;

/// Shared state.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) book: Book,
    pub(crate) shadow: Shadow,
    pub(crate) rings: RingMap,
    pub(crate) spans: SpanMap,
    /// Number of the event being judged, from 1.
    pub(crate) seq: u64,
    /// Are the driver's stores in the trace?
    pub(crate) stores: bool,
    /// Features negotiated.
    pub(crate) features: Features,
    /// Which queue is what, for the device type.
    pub(crate) shape: Shape,
    /// Chains that could be walked only now (without stores): queue and number.
    pub(crate) walked: Vec<(u16, u64)>,
}

impl World {
    /// For a trace with this header.
    pub(crate) fn new(header: &Header) -> Self {
        World {
            book: Book::new(),
            shadow: Shadow::new(!header.driver_stores),
            rings: RingMap::default(),
            spans: SpanMap::default(),
            seq: 0,
            stores: header.driver_stores,
            features: 0,
            shape: Shape {
                net: header.device_type == 1,
                ..Shape::default()
            },
            walked: Vec::new(),
        }
    }

    pub(crate) fn has(&self, bit: u32) -> bool {
        features::has(self.features, bit)
    }
}
