//! The rule table: every rule the judge applies, what it says, which clauses of the specification it covers and whom it binds.
//!
//! `docs/rules.md` is generated from this table. The clause ids are those of `clauses.tsv`; [`crate::clauses`] gives their text.

/// Whom a rule binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The device under test.
    Device,
    /// The driver (its stores, register writes and kicks).
    Driver,
    /// The host model: root complex, link, memory.
    Host,
    /// The run itself: the trace as a whole.
    Run,
    /// Nobody: what the specification only recommends to devices (SHOULD). It is told, and fails no run.
    Advice,
}

impl Scope {
    /// One lower-case word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Scope::Device => "device",
            Scope::Driver => "driver",
            Scope::Host => "host",
            Scope::Run => "run",
            Scope::Advice => "advice",
        }
    }
}

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Identifier, as it appears in verdicts, scenarios and reports.
    pub id: &'static str,
    /// Clauses of the virtio specification that it covers; empty where the rule comes from PCI Express or from the boundary's contract.
    pub clauses: &'static [&'static str],
    /// What must hold, in one sentence.
    pub sentence: &'static str,
    /// Needs the driver's stores in the trace ([`crate::event::Header::driver_stores`]).
    pub needs_stores: bool,
    /// Whom it binds.
    pub scope: Scope,
}

macro_rules! rules {
    ($( $variant:ident = $id:literal, $scope:ident, stores: $stores:literal, [$($clause:literal),*], $sentence:literal; )*) => {
        /// A rule's place in [`RULES`].
        #[expect(clippy::doc_markdown, reason = "the sentences are shown to people outside rustdoc too")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum RuleId {
            $( #[doc = $sentence] $variant, )*
        }

        /// Every rule, in the order of [`RuleId`].
        pub static RULES: &[Rule] = &[
            $( Rule { id: $id, clauses: &[$($clause),*], sentence: $sentence, needs_stores: $stores, scope: Scope::$scope }, )*
        ];

        impl RuleId {
            /// Every id, in table order.
            pub const ALL: &'static [RuleId] = &[ $( RuleId::$variant, )* ];
        }
    };
}

impl RuleId {
    /// The rule's row.
    #[must_use]
    pub fn rule(self) -> &'static Rule {
        &RULES[self as usize]
    }
}

/// Finds a rule by its identifier.
#[must_use]
pub fn find(id: &str) -> Option<RuleId> {
    RuleId::ALL.iter().copied().find(|r| r.rule().id == id)
}

rules! {
    // PCI Express transaction layer
    Bus4k = "BUS-4K", Device, stores: false, ["PCI-DEV-001"],
        "No memory request of the device crosses a 4 KiB boundary.";
    BusMps = "BUS-MPS", Device, stores: false, ["PCI-DEV-001"],
        "No packet of the device carries more payload than Max Payload Size.";
    BusMrrs = "BUS-MRRS", Device, stores: false, ["PCI-DEV-001"],
        "No read request asks for more than Max Read Request Size.";
    BusTag = "BUS-TAG", Device, stores: false, ["PCI-DEV-001"],
        "A tag is not used again while a request with it is outstanding.";
    BusTagWidth = "BUS-TAG-WIDTH", Device, stores: false, ["PCI-DEV-001"],
        "Tags stay below 32 unless Extended Tag is enabled, below 256 then, and lie in 256..1024 with 10-bit tags.";
    BusBe = "BUS-BE", Device, stores: false, ["PCI-DEV-001"],
        "Byte enables are legal: last is zero for one dword, contiguous where more than one (or two aligned) dwords are moved.";
    BusCredit = "BUS-CREDIT", Device, stores: false, ["PCI-DEV-001"],
        "A packet is sent only with flow-control credits for its header and its data.";
    BusMaster = "BUS-MASTER", Device, stores: false, ["PCI-DEV-001"],
        "No memory request leaves while Bus Master Enable is clear.";
    BusRequester = "BUS-REQUESTER", Device, stores: false, ["PCI-DEV-001"],
        "Requests carry the requester id that configuration writes gave the function.";
    BusAttr = "BUS-ATTR", Device, stores: false, ["PCI-DEV-001", "FEAT-DSC-003"],
        "Traffic class 0, untranslated, snooped; relaxed ordering never on ring and interrupt writes.";
    BusKind = "BUS-KIND", Device, stores: false, ["PCI-DEV-001"],
        "The device sends only memory requests and interrupt messages as requester, completions as completer.";
    BusCplUnexpected = "BUS-CPL-UNEXPECTED", Device, stores: false, ["PCI-DEV-001"],
        "Each completion of the device answers exactly one outstanding request of the host.";
    BusCplFields = "BUS-CPL-FIELDS", Device, stores: false, ["PCI-DEV-001"],
        "Completions carry the right byte count, lower address, payload length and completer id.";
    BusCplMissing = "BUS-CPL-MISSING", Device, stores: false, ["PCI-DEV-001"],
        "Every non-posted request of the host has been answered when the run is over.";
    HostCpl = "HOST-CPL", Host, stores: false, [],
        "Completions of the host answer an outstanding read with the right byte count and lower address.";
    HostCplData = "HOST-CPL-DATA", Host, stores: true, [],
        "Completions bring bytes that memory held at some time between the read's issue and its completion.";
    HostCplMissing = "HOST-CPL-MISSING", Host, stores: false, [],
        "Every read of the device has been answered when the run is over.";

    // Life cycle: when the device may touch memory at all
    LifeBeforeDriverOk = "LIFE-BEFORE-DRIVER-OK", Device, stores: false, ["BASIC-DEV-001", "PCICFG-DSC-004"],
        "No DMA and no interrupt before DRIVER_OK.";
    LifeAfterReset = "LIFE-AFTER-RESET", Device, stores: false, ["BASIC-DEV-010", "BASIC-DEV-009"],
        "After a reset was acknowledged (status read as 0, or FLR done) no DMA and no interrupt until DRIVER_OK.";
    LifeAfterQueueReset = "LIFE-AFTER-QUEUE-RESET", Device, stores: false, ["VQ-DEV-001", "PCICFG-DEV-013"],
        "After a queue reset was acknowledged (queue_reset read as 0) no DMA and no interrupt for that queue.";

    LifeSuspended = "LIFE-SUSPENDED", Device, stores: false, ["SUSP-DEV-003", "SUSP-DEV-004"],
        "No DMA and no interrupt from a suspended device.";
    LifeSuspend = "LIFE-SUSPEND", Device, stores: false, ["SUSP-DEV-006", "SUSP-DEV-007", "SUSP-DEV-008", "SUSP-DEV-010", "SUSP-DEV-011"],
        "A suspension that was asked for is reached, and only when buffers in progress are used and what the driver wants to hear of was told; its end as well.";

    // Safety: only memory that the driver gave
    SafeRead = "SAFE-READ", Device, stores: false, ["SPLIT-DEV-004", "PACKED-DEV-005"],
        "Reads stay inside available rings, descriptor tables, indirect tables and buffers of available chains.";
    SafeWrite = "SAFE-WRITE", Device, stores: false, ["SPLIT-DEV-003", "SPLIT-DEV-006", "SPLIT-DSC-009", "PACKED-DEV-004", "PACKED-DSC-003", "PACKED-DSC-004"],
        "Writes stay inside used rings, device-writable buffers of available chains, and MSI-X addresses.";
    SafeReadWritable = "SAFE-READ-WRITABLE", Device, stores: false, ["SPLIT-DEV-004", "PACKED-DEV-005"],
        "The device does not read device-writable buffers.";
    SafeAfterUsed = "SAFE-AFTER-USED", Device, stores: false, ["SPLIT-DSC-014", "PACKED-DEV-007"],
        "No buffer is touched after its chain was returned as used.";
    SafeDoubleFetch = "SAFE-DOUBLE-FETCH", Device, stores: true, [],
        "No descriptor is fetched again once its chain was begun: what was checked is what is used.";

    // Split ring, device side
    SplitAvailOrder = "SPLIT-AVAIL-ORDER", Device, stores: false, ["SPLIT-DSC-010"],
        "An available entry is read after the index that covers it is known, and before its descriptors are.";
    SplitDescUnavailable = "SPLIT-DESC-UNAVAILABLE", Device, stores: true, ["SPLIT-DSC-001"],
        "Descriptor reads bring at least one descriptor of a chain that is available and not yet used.";
    SplitDescStale = "SPLIT-DESC-STALE", Device, stores: true, [],
        "Every descriptor of a chain is fetched after the chain became known, and before its buffers are touched.";
    SplitUsedSlot = "SPLIT-USED-SLOT", Device, stores: false, ["SPLIT-DSC-015", "SPLIT-DSC-013"],
        "Used elements are whole and written at positions used.idx onwards, reduced modulo the queue size.";
    SplitUsedId = "SPLIT-USED-ID", Device, stores: false, ["SPLIT-DSC-014", "VQ-DSC-002"],
        "A used element names the head of a chain in flight, exactly once.";
    SplitUsedLen = "SPLIT-USED-LEN", Device, stores: false, ["SPLIT-DSC-014", "SPLIT-DSC-016", "VQ-DSC-002"],
        "The reported length does not exceed the bytes written from the start of the writable part.";
    SplitUsedOrder = "SPLIT-USED-ORDER", Device, stores: false, ["SPLIT-DEV-015"],
        "The used element is written before the used.idx that publishes it.";
    SplitPayloadOrder = "SPLIT-PAYLOAD-ORDER", Device, stores: false, ["SPLIT-DEV-016"],
        "The bytes that a used element reports are written before used.idx publishes it.";
    SplitUsedEarly = "SPLIT-USED-EARLY", Device, stores: false, ["SPLIT-DEV-016"],
        "A chain is not returned while reads of its buffers are outstanding.";
    SplitUsedIdx = "SPLIT-USED-IDX", Device, stores: false, ["SPLIT-DSC-015"],
        "used.idx moves forward by at most the number of chains in flight, in one 16-bit write.";
    SplitInOrder = "SPLIT-IN-ORDER", Device, stores: false, ["FEAT-DEV-005", "FEAT-DSC-002", "VQ-DSC-003", "SPLIT-DSC-017", "SPLIT-DSC-018", "SPLIT-DSC-019", "SPLIT-DSC-020", "SPLIT-DSC-021"],
        "With IN_ORDER chains are used in available order; those that one used element skips are used up completely, and used.idx passes them with it.";
    RingErrorPolicy = "RING-ERROR-POLICY", Device, stores: true, ["BASIC-DEV-002", "BASIC-DEV-003"],
        "A malformed chain is neither executed nor used; its queue freezes and the device asks for reset.";
    RingReadFailed = "RING-READ-FAILED", Device, stores: false, ["BASIC-DEV-002", "BASIC-DEV-003"],
        "After a read of a ring failed its queue freezes and the device asks for reset.";

    // Packed ring, device side
    PackedAvail = "PACKED-AVAIL", Device, stores: true, ["PACKED-DEV-006", "PACKED-DSC-005", "PACKED-DSC-012"],
        "A list is used only after its first descriptor was read with the flags that make it available in this lap.";
    PackedDescStale = "PACKED-DESC-STALE", Device, stores: true, ["PACKED-DSC-021", "PACKED-DEV-010"],
        "Every descriptor of a list is used as published: read after the first one was seen available, or in one 64-byte line with it.";
    PackedUsedSlot = "PACKED-USED-SLOT", Device, stores: false, ["PACKED-DSC-002", "PACKED-DSC-018", "PACKED-DSC-023", "PACKED-DEV-002", "PACKED-DEV-007"],
        "Used descriptors stand where the last one's list ended, once each, and only over descriptors that have been read.";
    PackedUsedFlags = "PACKED-USED-FLAGS", Device, stores: false, ["PACKED-DSC-007", "PACKED-DSC-010", "PACKED-DSC-011"],
        "AVAIL and USED of a used descriptor both equal the device's wrap counter at its slot.";
    PackedUsedId = "PACKED-USED-ID", Device, stores: false, ["PACKED-DSC-013", "PACKED-DSC-020", "VQ-DSC-002"],
        "A used descriptor names the id of a list in flight, exactly once.";
    PackedUsedLen = "PACKED-USED-LEN", Device, stores: false, ["PACKED-DSC-015", "VQ-DSC-002"],
        "The reported length does not exceed the bytes written from the start of the writable part.";
    PackedUsedWrite = "PACKED-USED-WRITE", Device, stores: false, ["PACKED-DSC-014"],
        "WRITE is set in a used descriptor exactly if the device wrote to the list's buffers.";
    PackedUsedOrder = "PACKED-USED-ORDER", Device, stores: false, ["PACKED-DSC-013", "PACKED-DEV-007"],
        "Length and id of a used descriptor are written before its flags or with them.";
    PackedPayloadOrder = "PACKED-PAYLOAD-ORDER", Device, stores: false, ["PACKED-DSC-015"],
        "The bytes that a used descriptor reports are written before it appears.";
    PackedUsedEarly = "PACKED-USED-EARLY", Device, stores: false, ["PACKED-DEV-007"],
        "A list is not returned while reads of its buffers are outstanding.";
    PackedInOrder = "PACKED-IN-ORDER", Device, stores: false, ["FEAT-DEV-005", "FEAT-DSC-002", "VQ-DSC-003", "PACKED-DSC-030", "PACKED-DSC-031", "PACKED-DSC-032"],
        "With IN_ORDER lists are used in available order; those that one used descriptor skips are used up completely.";

    // Notifications, driver to device
    NotifyReread = "NOTIFY-REREAD", Device, stores: false, ["SPLIT-DSC-022", "PACKED-DSC-036"],
        "After re-enabling kicks the device looks again: at the available index, or at the next descriptor of a packed ring.";
    NotifyAhead = "NOTIFY-AHEAD", Device, stores: false, ["SPLIT-DEV-021", "PACKED-DSC-034"],
        "The position asked for is one that the ring has: avail_event at most the queue size ahead, the offset of a packed ring below it.";
    NotifyFlags = "NOTIFY-FLAGS", Device, stores: false, ["SPLIT-DEV-018", "SPLIT-DEV-020", "PACKED-DEV-011"],
        "used.flags holds 0 or 1, and stays 0 with EVENT_IDX; a packed ring's mode is 0, 1 or (with EVENT_IDX) 2.";
    NotifyEventOrder = "NOTIFY-EVENT-ORDER", Device, stores: false, ["PACKED-DSC-034"],
        "The position in the device's event structure is written before mode 2 or with it, never after.";
    LiveStuck = "LIVE-STUCK", Device, stores: true, ["INIT-DSC-002", "SPLIT-DEV-022"],
        "Every chain that the device was notified of, or promised to look for, has been used when the run is over.";

    // Interrupts
    IntMissing = "INT-MISSING", Device, stores: true, ["SPLIT-DEV-011", "SPLIT-DEV-013", "SPLIT-DSC-012", "PACKED-DSC-034", "PACKED-DSC-035"],
        "An interrupt follows each publication for which every event-word value visible in its window asks for one.";
    IntUnneeded = "INT-UNNEEDED", Device, stores: true, ["SPLIT-DEV-009", "SPLIT-DEV-010", "SPLIT-DEV-012", "SPLIT-DEV-014", "NETCOAL-DEV-008", "PACKED-DSC-034", "PACKED-DSC-035"],
        "No interrupt for publications for which no event-word value visible in their window asks for one.";
    IntSpurious = "INT-SPURIOUS", Device, stores: false, [],
        "No interrupt without a publication or configuration change since the last one.";
    IntOrder = "INT-ORDER", Device, stores: false, ["SPLIT-DEV-015"],
        "The interrupt follows the used.idx write or used descriptor that it announces.";
    IntEventRead = "INT-EVENT-READ", Device, stores: false, ["SPLIT-DEV-011", "SPLIT-DEV-013", "SPLIT-DSC-022", "PACKED-DSC-036"],
        "After publishing, the device reads the driver's event word (or interrupts without asking).";
    IntCoalesceEarly = "INT-COALESCE-EARLY", Device, stores: true, ["NETCOAL-DSC-002", "NETCOAL-DSC-003", "NETCOAL-DSC-005", "NETCOAL-DEV-007"],
        "With interrupt moderation no interrupt comes before max_packets packets or max_usecs since the first of them, counted anew after each one.";
    IntCoalesceLate = "INT-COALESCE-LATE", Device, stores: true, ["NETCOAL-DSC-004", "NETCOAL-DSC-006", "NETCOAL-DSC-007"],
        "Soon after max_packets or max_usecs, whichever is first, or a zero limit, or new limits that are met already, the device asks for the driver's wish or interrupts.";
    IntVector = "INT-VECTOR", Device, stores: false, ["PCIINT-DEV-009", "PCIINT-DEV-015", "PCIINT-DEV-017"],
        "MSI-X messages carry address and data of an entry to which a queue or the configuration is mapped.";
    IntMasked = "INT-MASKED", Device, stores: false, ["PCI-DEV-001"],
        "No MSI-X message from a masked vector, with the function mask set, or with MSI-X disabled.";
    IntIntx = "INT-INTX", Device, stores: false, ["PCIINT-DSC-001", "PCIINT-DSC-002", "PCIINT-DSC-003"],
        "INTx is used only with MSI-X disabled and not masked; assert and deassert alternate; reading ISR de-asserts.";
    IntIsr = "INT-ISR", Device, stores: false, ["PCIINT-DEV-002", "PCIINT-DEV-003", "PCIINT-DEV-005"],
        "ISR status shows the cause of a pending interrupt once, and reads clear it.";
    IntConfig = "INT-CONFIG", Device, stores: false, ["INIT-DSC-001", "BASIC-DEV-003", "SUSP-DEV-005"],
        "A configuration change or DEVICE_NEEDS_RESET raises the configuration interrupt.";
    IntConfigSpurious = "INT-CONFIG-SPURIOUS", Device, stores: false, [],
        "No configuration interrupt without a change that the boundary can explain.";

    // Registers
    CfgIdentity = "CFG-IDENTITY", Device, stores: false, ["PCI-DEV-003", "PCI-DEV-004"],
        "Vendor and device ids are those of a virtio function of its type, or the transitional ones of this type.";
    CfgCapability = "CFG-CAPABILITY", Device, stores: false, ["PCI-DSC-002", "PCI-DSC-004", "PCI-DEV-013", "PCI-DEV-016", "PCI-DEV-017", "PCI-DEV-023", "PCI-DEV-024", "PCICFG-DEV-001", "PCICFG-DEV-002", "PCINTF-DEV-001", "PCIINT-DEV-001", "PCIWIN-DEV-001"],
        "Vendor capabilities are long enough, of defined types, aligned and in a BAR, and all structures that the device needs have one.";
    CfgNotify = "CFG-NOTIFY", Device, stores: false, ["PCINTF-DEV-002", "PCINTF-DEV-003", "PCINTF-DEV-004", "PCINTF-DEV-005", "PCINTF-DEV-006", "PCINTF-DEV-007", "PCINTF-DEV-008", "PCINTF-DEV-009", "PCINTF-DEV-010", "PCINTF-DEV-011"],
        "The notification structure is aligned for the widest kick, its multiplier is 0 or a power of two, and it is large enough for every queue's kick.";
    CfgStatus = "CFG-STATUS", Device, stores: false, ["BASIC-DSC-001", "PCICFG-DEV-007", "SUSP-DSC-001", "SUSP-DSC-002", "SUSP-DEV-001"],
        "device_status reads back the driver's bits, 0 after reset.";
    CfgFeaturesOk = "CFG-FEATURES-OK", Device, stores: false, ["BASIC-DEV-005", "BASIC-DEV-006"],
        "FEATURES_OK stays set for a legal subset and reads back clear for an illegal one.";
    CfgOffered = "CFG-OFFERED", Device, stores: false, ["BASIC-DEV-004", "BASIC-DEV-007", "FEAT-DEV-001", "PCICFG-DEV-003"],
        "Offered features include VERSION_1, are closed under prerequisites and contain no reserved bit.";
    CfgVector = "CFG-VECTOR", Device, stores: false, ["PCIINT-DEV-011", "PCIINT-DEV-012", "PCIINT-DEV-014"],
        "Vector registers read back the mapping or NO_VECTOR, and NO_VECTOR after reset.";
    CfgQueueSize = "CFG-QUEUE-SIZE", Device, stores: false, ["PCICFG-DEV-014", "PCICFG-DEV-015", "SPLIT-DSC-002", "SPLIT-DSC-003", "PACKED-DSC-001", "PACKED-DSC-037"],
        "queue_size reads as 0 or a power of two (packed: any number) up to 32768, and as written once a legal size was written.";
    CfgQueueEnable = "CFG-QUEUE-ENABLE", Device, stores: false, ["PCICFG-DEV-008", "PCICFG-DEV-013"],
        "queue_enable reads 0 after reset, 1 once enabled, 0 after a queue reset.";
    CfgQueueReset = "CFG-QUEUE-RESET", Device, stores: false, ["PCICFG-DEV-009", "PCICFG-DEV-010", "PCICFG-DEV-012"],
        "queue_reset reads 0 unless a queue reset is in progress.";
    CfgReadback = "CFG-READBACK", Device, stores: false, ["PCI-DEV-009", "PCI-DSC-001"],
        "Selectors and ring addresses read back as written.";
    CfgGeneration = "CFG-GENERATION", Device, stores: false, ["BASIC-DSC-004", "PCICFG-DEV-006"],
        "config_generation changes when two reads of the device configuration could differ.";

    // Checkpoint window: vendor data of Ringside's own device
    CheckpointUsed = "CHECKPOINT-USED", Device, stores: false, [],
        "The used position that the checkpoint window shows is one that the queue had between the read and its answer: nothing that it counts has yet to be written.";
    CheckpointAvail = "CHECKPOINT-AVAIL", Device, stores: true, [],
        "The available position that the checkpoint window shows is not before the used one, and not behind what the driver published.";
    CheckpointQuiet = "CHECKPOINT-QUIET", Device, stores: false, [],
        "A queue that the checkpoint window says is quiet has one position, and no chain begun and not used.";
    CheckpointStart = "CHECKPOINT-START", Device, stores: false, [],
        "A queue that is not enabled shows in the checkpoint window where it is to begin: as written, and where a new ring begins after a reset or a new size.";

    // Network device
    NetTxData = "NET-TX-DATA", Device, stores: false, ["SPLIT-DEV-001", "PACKED-DEV-008", "PACKED-DSC-025", "PACKED-DSC-026", "PACKED-DSC-027", "PACKED-DSC-028", "PACKED-DSC-029"],
        "Each frame sent equals the next chain of its queue, without the virtio header, byte for byte.";
    NetTxOrder = "NET-TX-ORDER", Device, stores: false, [],
        "Frames leave in the order of their queue; none is skipped or repeated.";
    NetTxError = "NET-TX-ERROR", Device, stores: false, [],
        "A frame is marked broken only if a read of its chain failed, and always then.";
    NetTxMissing = "NET-TX-MISSING", Device, stores: false, [],
        "Every transmit chain that was used has put its frame on the wire when the run is over.";
    NetRxData = "NET-RX-DATA", Device, stores: false, [],
        "Each frame delivered equals the next frame received for that queue, byte for byte.";
    NetRxLen = "NET-RX-LEN", Device, stores: false, ["VQ-DSC-002"],
        "The used lengths of a received packet add up to header and frame.";
    NetRxHeader = "NET-RX-HEADER", Device, stores: false, ["NET-DEV-039", "NET-DEV-060", "NET-DEV-041", "NET-DEV-042", "NET-DEV-043", "NET-DEV-044", "NET-DEV-045", "NET-DEV-046", "NET-DEV-055", "NET-DEV-059", "NET-DEV-064"],
        "Without guest offloads the receive header has no flags and no segmentation type.";
    NetRxNumBuffers = "NET-RX-NUM-BUFFERS", Device, stores: false, ["NET-DEV-030", "NET-DEV-031", "NET-DEV-035", "NET-DEV-036"],
        "num_buffers is the number of buffers of the packet, 1 without MRG_RXBUF.";
    NetRxFull = "NET-RX-FULL", Device, stores: false, ["NET-DEV-037"],
        "All buffers of a packet but the last are filled completely.";
    NetRxTogether = "NET-RX-TOGETHER", Device, stores: false, ["NET-DEV-038", "PACKED-DSC-033"],
        "All buffers of a packet are published in one moment: by one used.idx write, or by the first one's used descriptor, written last.";
    NetRxSteering = "NET-RX-STEERING", Device, stores: true, ["NETRSS-DEV-016", "NETRSS-DEV-017"],
        "A received frame is delivered to the queue pair that its flow selects among the active ones.";
    NetRxMissing = "NET-RX-MISSING", Device, stores: false, [],
        "Every received frame has been delivered or reported as dropped when the run is over.";
    NetRxDrop = "NET-RX-DROP", Device, stores: true, [],
        "A frame is dropped only for a reason that holds: filtered, no room, too large, queue not running.";
    NetFilter = "NET-FILTER", Device, stores: true, ["NETCTL-DEV-029", "NETCTL-DEV-032", "NETCTL-DEV-030", "NETCTL-DEV-031", "NETCTL-DEV-004", "NETCTL-DEV-008"],
        "Receive modes, MAC table and VLAN table decide what is delivered.";
    NetCtrlAck = "NET-CTRL-ACK", Device, stores: true, ["NETCTL-DSC-001", "NETCOAL-DEV-001", "NETCOAL-DEV-002", "NETCOAL-DEV-003", "NETCOAL-DEV-004"],
        "Each control command gets the acknowledge byte that the command set predicts.";

    NetCoalesceQuery = "NET-COALESCE-QUERY", Device, stores: true, ["NETCOAL-DSC-001", "NETCOAL-DEV-005", "NETCOAL-DEV-006", "NETCOAL-DEV-009"],
        "A query of interrupt moderation brings the limits in force: the last command's, the global ones after a queue reset, zeros after a device reset.";

    NetConfig = "NET-CONFIG", Device, stores: false, ["NET-DEV-002", "NET-DEV-003", "NET-DEV-005"],
        "max_virtqueue_pairs lies within 1 and 0x8000 with MQ, mtu is 68 or more with MTU and never changes.";
    NetMtu = "NET-MTU", Device, stores: false, ["NET-DEV-006"],
        "With MTU no frame longer than mtu and an Ethernet header (14 bytes, 18 with a tag) is delivered.";

    // Driver
    DriverInit = "DRIVER-INIT", Driver, stores: false, ["BASIC-DRV-001", "BASIC-DRV-002", "INIT-DRV-001", "INIT-DRV-010", "PCICFG-DRV-005"],
        "Status bits are set in the order of initialisation and cleared only by reset, which is polled for.";
    DriverFeatures = "DRIVER-FEATURES", Driver, stores: false, ["BASIC-DRV-005", "BASIC-DRV-006", "INIT-DRV-009", "FEAT-DRV-001", "BASIC-DSC-002"],
        "The driver accepts only offered features with their prerequisites, VERSION_1 among them, and none after FEATURES_OK.";
    DriverRegister = "DRIVER-REGISTER", Driver, stores: false, ["PCICFG-DRV-001", "PCICFG-DRV-003", "PCICFG-DRV-004", "PCICFG-DRV-006", "PCICFG-DRV-002", "NET-DRV-001", "PCI-DRV-015", "PCI-DRV-005"],
        "Registers are accessed with the width of the field; read-only ones, and those of an enabled queue, are not written.";
    DriverRingLayout = "DRIVER-RING-LAYOUT", Driver, stores: false, ["SPLIT-DRV-001", "PACKED-DRV-001"],
        "Ring parts are aligned (16, 2, 4 bytes; packed 16, 4, 4) and do not overlap.";
    DriverKickEarly = "DRIVER-KICK-EARLY", Driver, stores: false, ["INIT-DRV-015"],
        "No kick before DRIVER_OK or for a queue that is not enabled.";
    DriverSuspend = "DRIVER-SUSPEND", Driver, stores: false, ["SUSP-DRV-001", "SUSP-DRV-003", "SUSP-DRV-004", "SUSP-DRV-005"],
        "SUSPEND is written with its feature and to a device that runs; from then on no buffer, no kick and no register but status until the device runs again.";
    DriverCheckpoint = "DRIVER-CHECKPOINT", Driver, stores: false, [],
        "Where a queue is to begin is written to the checkpoint window after FEATURES_OK and before queue_enable, as one dword with one position that the ring has, twice.";
    DriverKickForm = "DRIVER-KICK-FORM", Driver, stores: false, ["PCINTF-DRV-001", "PCINTF-DRV-002", "PCINTF-DRV-003", "PCINTF-DRV-004", "PCINTF-DRV-005", "PCINTF-DRV-006", "PCINTF-DSC-002"],
        "A kick is one 16-bit write of the queue index (or of the value that the device asks for), or one 32-bit write with the position, at the queue's address.";
    DriverKickData = "DRIVER-KICK-DATA", Driver, stores: true, ["BASIC-DSC-006", "BASIC-DSC-009", "BASIC-DSC-010", "BASIC-DSC-007", "BASIC-DSC-008", "PACKED-DRV-004"],
        "The position in a kick is the available index, or offset and wrap of the next free slot of a packed ring.";
    DriverKickMissing = "DRIVER-KICK-MISSING", Driver, stores: true, ["SPLIT-DRV-022", "SPLIT-DRV-024", "PACKED-DRV-018"],
        "A kick follows each publication that the device asked to hear of.";
    DriverAvailIdx = "DRIVER-AVAIL-IDX", Driver, stores: false, ["SPLIT-DRV-011", "SPLIT-DSC-001"],
        "avail.idx moves forward by at most the free room of the ring.";
    DriverAvailFlags = "DRIVER-AVAIL-FLAGS", Driver, stores: true, ["SPLIT-DRV-012", "SPLIT-DRV-014"],
        "avail.flags holds 0 or 1, and stays 0 with EVENT_IDX.";
    DriverChain = "DRIVER-CHAIN", Driver, stores: false, ["SPLIT-DRV-002", "SPLIT-DRV-006", "SPLIT-DRV-007", "SPLIT-DRV-008", "SPLIT-DRV-009", "PACKED-DRV-006", "PACKED-DRV-007", "PACKED-DRV-008", "PACKED-DRV-012", "PACKED-DRV-014", "PACKED-DRV-015", "SPLIT-DRV-004"],
        "Published chains are well formed.";
    DriverInOrder = "DRIVER-IN-ORDER", Driver, stores: true, ["SPLIT-DSC-005", "SPLIT-DRV-005", "SPLIT-DRV-010"],
        "With IN_ORDER a split ring's descriptors are taken one after the other from 0, round the table; entries of indirect tables follow one another.";
    DriverRingZero = "DRIVER-RING-ZERO", Driver, stores: true, ["PACKED-DSC-038"],
        "A packed ring is zero when its queue is enabled, but for what is available already.";
    DriverWrap = "DRIVER-WRAP", Driver, stores: true, ["PACKED-DSC-006", "PACKED-DSC-008", "PACKED-DSC-009", "PACKED-DSC-022"],
        "Flags that the driver stores to a free slot are those that make it available in this lap.";
    DriverPublishOrder = "DRIVER-PUBLISH-ORDER", Driver, stores: false, ["PACKED-DRV-011", "PACKED-DRV-017", "PACKED-DSC-021", "PACKED-DSC-022"],
        "The flags of a list's first descriptor are the last of it to become visible.";
    DriverTable = "DRIVER-TABLE", Driver, stores: true, ["PACKED-DRV-013"],
        "Entries of a packed ring's indirect table carry no flag but WRITE.";
    DriverEvent = "DRIVER-EVENT", Driver, stores: true, ["PACKED-DSC-034", "PACKED-DSC-035"],
        "The driver's event structure holds a mode and an offset that exist, the position stored before mode 2 or with it.";
    DriverExposed = "DRIVER-EXPOSED", Driver, stores: true, ["INIT-DRV-016", "SPLIT-DSC-013", "PACKED-DRV-002", "PACKED-DRV-003", "PACKED-DRV-010"],
        "Descriptors of chains in flight and the device's area are left alone by the driver.";

    DriverWindow = "DRIVER-WINDOW", Driver, stores: false, ["PCIWIN-DRV-001", "PCIWIN-DRV-002", "PCIWIN-DRV-003"],
        "Accesses through the configuration window have 1, 2 or 4 bytes, are aligned, and lie in a virtio structure.";
    DriverVector = "DRIVER-VECTOR", Driver, stores: false, ["PCIINT-DRV-005"],
        "Only vectors that the MSI-X table has are mapped.";
    DriverNetHeader = "DRIVER-NET-HEADER", Driver, stores: true, ["NET-DRV-017", "NET-DRV-018", "NET-DRV-022", "NET-DRV-024", "NET-DRV-026", "NET-DRV-028", "NET-DRV-032", "NET-DRV-037", "NET-DRV-039", "NET-DRV-040", "NET-DRV-041", "NET-DRV-045", "NET-DRV-046", "NET-DRV-047", "NET-DRV-048", "NET-DRV-058", "NET-DRV-059", "NET-DRV-061", "NET-DRV-062"],
        "The header of a transmitted packet asks only for offloads that were negotiated, says all that they need, and its num_buffers is 0.";
    DriverNetMtu = "DRIVER-NET-MTU", Driver, stores: true, ["NET-DRV-009"],
        "With MTU no frame longer than mtu and an Ethernet header is transmitted.";
    DriverNetBuffer = "DRIVER-NET-BUFFER", Driver, stores: true, ["NET-DRV-067"],
        "With MRG_RXBUF every receive buffer holds at least the packet header.";
    DriverNetPairs = "DRIVER-NET-PAIRS", Driver, stores: true, ["NETRSS-DRV-008", "NETRSS-DRV-009", "NETRSS-DRV-010"],
        "Commands name 1 to max_virtqueue_pairs queue pairs, and packets are given to transmit queues of these only.";

    DriverCoalesce = "DRIVER-COALESCE", Driver, stores: true, ["NETCOAL-DRV-001", "NETCOAL-DRV-002", "NETCOAL-DRV-003"],
        "Commands of interrupt moderation need their feature, and name an enabled data queue.";

    // The run
    RunPin = "RUN-PIN", Device, stores: false, [],
        "Handshake rules of the pins hold: valid and payload stay until ready.";
    RunEnd = "RUN-END", Run, stores: false, [],
        "The trace ends with an end event.";
    RunEmpty = "RUN-EMPTY", Run, stores: false, [],
        "Something was compared.";

    // Advice
    CfgAdvice = "CFG-ADVICE", Advice, stores: false, ["PCI-DEV-006", "PCI-DEV-007", "PCI-DEV-008"],
        "A function that is not transitional has a device id up to 0x107f, a revision of 1 or more and a subsystem id of 0x40 or more.";
}
