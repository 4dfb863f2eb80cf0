//! The plan: what a regression is to meet, cross by cross, and what nobody can meet.

use crate::rules::RULES;

/// A dimension of a cross.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// What it is.
    pub name: &'static str,
    /// Its values.
    pub values: Vec<&'static str>,
}

/// A cross of dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cross {
    /// Its name, the first part of its points' names.
    pub id: &'static str,
    /// When a point of it is met.
    pub about: &'static str,
    /// Its dimensions.
    pub dimensions: Vec<Dimension>,
    /// Points that nobody can meet, as patterns over the values, and why.
    pub impossible: &'static [(&'static str, &'static str)],
}

impl Cross {
    /// Points.
    #[must_use]
    pub fn size(&self) -> usize {
        self.dimensions.iter().map(|d| d.values.len()).product()
    }

    /// The number of the point with these values.
    pub(super) fn place(&self, values: &[&str]) -> Option<usize> {
        if values.len() != self.dimensions.len() {
            return None;
        }
        self.dimensions.iter().zip(values).try_fold(0, |at, (d, value)| {
            Some(at * d.values.len() + d.values.iter().position(|v| v == value)?)
        })
    }

    /// The values of the point with this number.
    pub(super) fn values(&self, mut at: usize) -> Vec<&'static str> {
        let mut values: Vec<&'static str> = self
            .dimensions
            .iter()
            .rev()
            .map(|d| {
                let value = d.values[at % d.values.len()];
                at /= d.values.len();
                value
            })
            .collect();
        values.reverse();
        values
    }

    pub(super) fn why_impossible(&self, values: &[&str]) -> Option<&'static str> {
        let name = values.join("/");
        let found = self
            .impossible
            .iter()
            .find(|(pattern, _)| super::agrees(pattern, &name));
        found.map(|(_, why)| *why)
    }
}

fn dimension(name: &'static str, values: &[&'static str]) -> Dimension {
    Dimension {
        name,
        values: values.to_vec(),
    }
}

/// The features that drivers may take or leave, by bit.
pub(crate) const FEATURES: [(u32, &str); 18] = [
    (3, "mtu"),
    (5, "mac"),
    (15, "mrg_rxbuf"),
    (16, "status"),
    (17, "ctrl_vq"),
    (18, "ctrl_rx"),
    (19, "ctrl_vlan"),
    (20, "ctrl_rx_extra"),
    (22, "mq"),
    (23, "ctrl_mac_addr"),
    (28, "indirect_desc"),
    (29, "event_idx"),
    (35, "in_order"),
    (38, "notification_data"),
    (39, "notif_config_data"),
    (40, "ring_reset"),
    (43, "suspend"),
    (53, "notf_coal"),
];

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn crosses() -> Vec<Cross> {
    let ring = || dimension("ring", &["split", "packed"]);
    let events = || dimension("events", &["event_idx", "flags"]);
    let lengths = || dimension("length", &["to_64", "to_512", "to_1518", "longer"]);
    vec![
        Cross {
            id: "feature",
            about: "A driver finished its negotiation (DRIVER_OK) with the feature or without it.",
            dimensions: vec![
                ring(),
                Dimension {
                    name: "feature",
                    values: FEATURES.iter().map(|f| f.1).collect(),
                },
                dimension("taken", &["yes", "no"]),
            ],
            impossible: &[],
        },
        Cross {
            id: "chain",
            about: "A well-formed chain came back: its shape, who may access its buffers, and whether IN_ORDER holds. `few` is 2 to 4 buffers, `many` more; `table` an indirect table, \
                    `mixed` direct descriptors and then a table.",
            dimensions: vec![
                ring(),
                dimension(
                    "shape",
                    &[
                        "one",
                        "few",
                        "many",
                        "table_one",
                        "table_few",
                        "table_many",
                        "mixed",
                    ],
                ),
                dimension("access", &["read", "write", "both"]),
                dimension("order", &["any_order", "in_order"]),
            ],
            impossible: &[
                ("*/one/both/*", "one buffer is readable or writable"),
                ("*/table_one/both/*", "one buffer is readable or writable"),
                (
                    "packed/mixed/*/*",
                    "a packed list that has a table has nothing else (PACKED-DRV-012)",
                ),
            ],
        },
        Cross {
            id: "lap",
            about: "A chain came back: the size of its ring, and its position: less than that size, more, or 65 536 and more (`index_wrapped`). A ring may begin at any position.",
            dimensions: vec![
                ring(),
                dimension("size", &["to_4", "to_64", "to_256", "larger"]),
                dimension("lap", &["first", "later", "index_wrapped"]),
            ],
            impossible: &[],
        },
        Cross {
            id: "edge",
            about: "Something lay across the end of its ring.",
            dimensions: vec![dimension(
                "what",
                &[
                    "split_learned",
                    "split_returned",
                    "packed_list",
                    "packed_returned",
                    "packed_odd_size",
                ],
            )],
            impossible: &[],
        },
        Cross {
            id: "batch",
            about: "Chains that the device learned of by one answer, or gave back by one publication.",
            dimensions: vec![
                ring(),
                dimension("what", &["learned", "returned"]),
                events(),
                dimension("chains", &["1", "to_7", "to_31", "more"]),
            ],
            impossible: &[],
        },
        Cross {
            id: "told",
            about: "One side told the other: kicks (alone, with the position, with the value that the device asked for, with both), and interrupts of queues.",
            dimensions: vec![
                ring(),
                events(),
                dimension(
                    "by",
                    &[
                        "kick",
                        "kick_position",
                        "kick_value",
                        "kick_value_position",
                        "msix",
                        "intx",
                    ],
                ),
            ],
            impossible: &[],
        },
        Cross {
            id: "reset",
            about: "A reset or suspension was asked for: what was under way on some queue that it concerned. `known`: chains of which the device knew, none begun; `reading`: reads unanswered; \
                    `begun`: payload touched, not returned; `unpublished`: returned, not yet to be found by the driver.",
            dimensions: vec![
                dimension("how", &["device", "function", "queue", "suspend"]),
                ring(),
                dimension(
                    "under_way",
                    &["nothing", "known", "reading", "begun", "unpublished"],
                ),
            ],
            impossible: &[],
        },
        Cross {
            id: "read_error",
            about: "A read of the device failed. `silence`: nobody answered it within the time that a requester has to wait.",
            dimensions: vec![
                ring(),
                dimension(
                    "of",
                    &[
                        "avail_index",
                        "avail_entry",
                        "descriptor",
                        "table",
                        "driver_event",
                        "payload",
                    ],
                ),
                dimension("how", &["unsupported", "aborted", "poisoned", "silence"]),
            ],
            impossible: &[
                ("packed/avail_index/*", "a packed ring has no available index"),
                ("packed/avail_entry/*", "a packed ring has no available entries"),
            ],
        },
        Cross {
            id: "answer",
            about: "A read was answered: in how many completions, and whether a later read was answered before it.",
            dimensions: vec![
                dimension("of", &["ring", "payload"]),
                dimension("pieces", &["one", "to_4", "more"]),
                dimension("turn", &["in_turn", "overtaken"]),
            ],
            impossible: &[],
        },
        Cross {
            id: "frame",
            about: "A frame was compared, with its length in bytes.",
            dimensions: vec![dimension("direction", &["sent", "received"]), lengths()],
            impossible: &[],
        },
        Cross {
            id: "merge",
            about: "A frame was delivered: were buffers to be merged, and how many did it take?",
            dimensions: vec![
                ring(),
                dimension("mergeable", &["yes", "no"]),
                dimension("buffers", &["1", "2", "more"]),
                lengths(),
            ],
            impossible: &[
                (
                    "*/no/2/*",
                    "without VIRTIO_NET_F_MRG_RXBUF a frame has one buffer",
                ),
                (
                    "*/no/more/*",
                    "without VIRTIO_NET_F_MRG_RXBUF a frame has one buffer",
                ),
            ],
        },
        Cross {
            id: "command",
            about: "A control command was answered, by its class.",
            dimensions: vec![
                ring(),
                dimension("class", &["rx", "mac", "vlan", "mq", "coalesce", "other"]),
                dimension("answer", &["ok", "error"]),
            ],
            impossible: &[],
        },
        Cross {
            id: "drop",
            about: "A frame from the wire was dropped for a reason that the boundary has a number for.",
            dimensions: vec![
                ring(),
                dimension(
                    "reason",
                    &[
                        "filter",
                        "no_buffers",
                        "buffer_too_small",
                        "too_long",
                        "queue_not_running",
                    ],
                ),
            ],
            impossible: &[],
        },
        Cross {
            id: "rule",
            about: "A rule was decided. That each also fires is shown by planted bugs and by the judge's own tests.",
            dimensions: vec![Dimension {
                name: "id",
                values: RULES.iter().map(|r| r.id).collect(),
            }],
            impossible: &[],
        },
    ]
}
