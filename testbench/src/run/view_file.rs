//! A state file for `GTKWave` beside a waveform file: the boundary's signals in the order in which one reads them, the marker at the cycle in question.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ringside_sim::PortInfo;

/// Signals by what they show; names of ports begin so. A device that lacks some has the others.
const GROUPS: [(&str, &[&str]); 8] = [
    ("the run's frame", &["clk_i", "rst_ni", "link_up_i"]),
    (
        "cq: requests of the host",
        &[
            "cq_tvalid_i",
            "cq_tready_o",
            "cq_tlast_i",
            "cq_thdr_i",
            "cq_tdata_i",
        ],
    ),
    (
        "cc: the device's answers",
        &[
            "cc_tvalid_o",
            "cc_tready_i",
            "cc_tlast_o",
            "cc_thdr_o",
            "cc_tdata_o",
        ],
    ),
    (
        "rq: DMA and messages",
        &[
            "rq_tvalid_o",
            "rq_tready_i",
            "rq_tlast_o",
            "rq_thdr_o",
            "rq_tdata_o",
        ],
    ),
    (
        "rc: completions",
        &[
            "rc_tvalid_i",
            "rc_tready_o",
            "rc_tlast_i",
            "rc_thdr_i",
            "rc_tdata_i",
        ],
    ),
    ("credits", &["fc_"]),
    ("net_tx: frames to the wire", &["net_tx_"]),
    ("net_rx: frames from the wire", &["net_rx_"]),
];

/// Where the state file of a waveform file is.
#[must_use]
pub fn beside(waves: &Path) -> PathBuf {
    waves.with_extension("gtkw")
}

/// The state file's text. `marker` is a time in picoseconds.
fn text(waves: &Path, ports: &[PortInfo], marker_ps: Option<u64>) -> String {
    let file = waves.file_name().unwrap_or_default().to_string_lossy();
    let mut text = format!("[dumpfile] \"{file}\"\n");
    if let Some(marker) = marker_ps {
        let _ = writeln!(text, "*-16.0 {marker}{}", " -1".repeat(26));
    }
    for (title, starts) in GROUPS {
        let found: Vec<&PortInfo> = starts
            .iter()
            .flat_map(|start| ports.iter().filter(move |p| p.name.starts_with(start)))
            .collect();
        if found.is_empty() {
            continue;
        }
        let _ = writeln!(text, "@200\n-{title}");
        for port in found {
            // A bit, or a number in hexadecimal.
            let _ = match port.width_bits {
                1 => writeln!(text, "@28\nTOP.{}", port.name),
                bits => writeln!(text, "@22\nTOP.{}[{}:0]", port.name, bits - 1),
            };
        }
    }
    text
}

/// Writes the state file for waveforms of a model with these ports.
///
/// # Errors
/// The system's, when it cannot be written.
pub fn write(waves: &Path, ports: &[PortInfo], marker_ps: Option<u64>) -> std::io::Result<()> {
    std::fs::write(beside(waves), text(waves, ports, marker_ps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_sim::Direction;

    #[test]
    fn signals_that_there_are_stand_in_reading_order_with_their_widths() {
        let port = |name: &str, width_bits| PortInfo {
            name: name.into(),
            dir: Direction::Input,
            width_bits,
        };
        let ports = [
            port("clk_i", 1),
            port("fc_ph_limit_i", 8),
            port("odd_i", 3),
            port("rq_thdr_o", 128),
        ];
        assert_eq!(
            text(Path::new("deep/violation.fst"), &ports, Some(44_000)),
            format!(
                "[dumpfile] \"violation.fst\"\n*-16.0 44000{}\n@200\n-the run's frame\n@28\nTOP.clk_i\n\
                 @200\n-rq: DMA and messages\n@22\nTOP.rq_thdr_o[127:0]\n@200\n-credits\n@22\nTOP.fc_ph_limit_i[7:0]\n",
                " -1".repeat(26)
            )
        );
    }
}
