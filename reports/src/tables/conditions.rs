//! Under which conditions the numbers were taken.

use ringside_models::event::Header;

use crate::collect::Collector;
use crate::features;
use crate::link;
use crate::table::{Column, Table, Value, col};

const COLUMNS: &[Column] = &[col("group", ""), col("name", "Condition"), col("value", "Value")];

pub(crate) fn conditions(h: &Header, c: &Collector) -> Table {
    let mut t = Table::new("conditions", "What was run, on what, how", COLUMNS);
    let mut row = |group: &str, name: &str, value: String| {
        t.push(vec![Value::text(group), Value::text(name), Value::Text(value)]);
    };
    row("run", "device under test", h.dut.clone());
    row(
        "run",
        "device type",
        match h.device_type {
            1 => "1 (network)".to_owned(),
            n => n.to_string(),
        },
    );
    row("run", "scenario", h.scenario.clone());
    row("run", "seed", h.seed.to_string());
    row(
        "run",
        "length of the trace",
        format!(
            "{} cycles, {:.3} µs",
            Value::Count(c.last_cycle).show(),
            c.last_cycle as f64 / h.clock_mhz
        ),
    );
    row(
        "run",
        "driver's stores in the trace",
        if h.driver_stores { "yes" } else { "no" }.to_owned(),
    );
    row("device", "clock", format!("{} MHz", h.clock_mhz));
    row("device", "data path", format!("{} bit", h.data_width_bits));
    row(
        "link",
        "generation and width",
        format!("Gen{} x{}", h.link.generation, h.link.lanes),
    );
    row(
        "link",
        "usable each way",
        format!(
            "{:.1} Gb/s, {:.2} bytes per cycle",
            link::usable_gbps(&h.link),
            link::bytes_per_cycle(&h.link, h.clock_mhz)
        ),
    );
    row("link", "Max Payload Size", format!("{} bytes", h.link.mps_bytes));
    row(
        "link",
        "Max Read Request Size",
        format!("{} bytes", h.link.mrrs_bytes),
    );
    row(
        "link",
        "Read Completion Boundary",
        format!("{} bytes", h.link.rcb_bytes),
    );
    row(
        "virtio",
        "features negotiated",
        c.registers
            .features
            .map_or("not seen in the trace".to_owned(), |f| {
                features::names(f, h.device_type)
            }),
    );
    row("virtio", "queues", c.registers.queue_sizes());
    for (name, value) in &h.conditions {
        row("scenario", name, value.clone());
    }
    t
}
