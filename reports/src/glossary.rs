//! What the words of the report mean.

/// Word and meaning, in the order in which a transaction meets them.
pub(crate) const WORDS: &[(&str, &str)] = &[
    (
        "packet",
        "A frame that came through a ring: transmitted, or received and not dropped. For devices without frames, a descriptor chain.",
    ),
    (
        "kick",
        "Available buffer notification: the driver's write to the notify register that says new chains are available.",
    ),
    (
        "available index",
        "The device reads avail.idx to learn how many chains the driver has published. A read that brings nothing new is idle.",
    ),
    (
        "available entry",
        "The device reads avail.ring to learn the heads of the chains.",
    ),
    (
        "descriptor",
        "The device reads the descriptor table: where the buffers of a chain are and how long.",
    ),
    (
        "indirect table",
        "The device reads a table of descriptors that a single descriptor points to.",
    ),
    (
        "payload",
        "Bytes of buffers: packet headers and frames, or control commands and their answers.",
    ),
    (
        "used element",
        "The device writes the head of a finished chain, and how many bytes it wrote into it.",
    ),
    (
        "used index",
        "The device writes used.idx: what makes used elements visible to the driver. One publication.",
    ),
    (
        "driver event word",
        "The device reads used_event or avail.flags: does the driver want an interrupt?",
    ),
    (
        "device event word",
        "The device writes avail_event or used.flags: does it want a kick?",
    ),
    (
        "MSI-X",
        "Used buffer notification: the interrupt, a memory write to the address of the queue's vector.",
    ),
    ("INTx", "The interrupt as a pair of messages, when MSI-X is off."),
    (
        "of no use",
        "Entries or descriptors that a read brought and the device did not need: speculation, or reading twice.",
    ),
    (
        "up, down",
        "Device to host and host to device. Reads cost a request up and completions down, writes cost up only.",
    ),
    (
        "TLP overhead",
        "Framing, sequence number, CRC and header of each packet: 20 bytes, 24 with a 64-bit address. A read request is nothing else.",
    ),
    (
        "link",
        "What a direction can carry after coding, acknowledgements, credit updates and skip ordered sets, by generation and width.",
    ),
    (
        "traffic window",
        "From the first payload packet or frame to the last use of a ring. Rates and link shares are taken over it; counts over the whole trace.",
    ),
    (
        "link's limit",
        "The packet rate at which the busier way of the link is full when every packet costs the least possible.",
    ),
    (
        "efficiency",
        "Least possible divided by actual. The least takes batches, buffers, descriptor numbers and ring ends as the driver made them.",
    ),
];
