//! Colours: each has a light and a dark form. Pictures carry the light one; the page's style sheet swaps it, so a picture taken out of the page still
//! shows.

use plotters::style::RGBColor;
use ringside_models::judge::Purpose;

use crate::kind::Kind;

/// A colour by its place in [`PALETTE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ink(usize);

/// Light, dark.
const PALETTE: &[(u32, u32)] = &[
    (0x1b_2430, 0xe7_ebf1), // text
    (0x5a_6676, 0x9c_a8b8), // labels
    (0xe2_e6eb, 0x2f_3a48), // grid
    (0x9d_c3e6, 0x4a_7fb5), // available index
    (0x4a_8fd0, 0x6f_a9e0), // available entry
    (0x1f_5a99, 0xa5_cbf2), // descriptor
    (0x12_3a66, 0xd3_e5f8), // indirect table
    (0x1f_9d8b, 0x3f_c2ae), // payload
    (0xe2_8a1c, 0xf0_a040), // used element
    (0xf3_c07a, 0xb8_7420), // used index
    (0x7d_5bbe, 0xb2_96ec), // driver event word
    (0xc3_b0e3, 0x7e_62b8), // device event word
    (0xc9_433b, 0xf0_7f76), // interrupts
    (0x98_a3b0, 0x6b_7787), // the rest
];

pub(crate) const TEXT: Ink = Ink(0);
pub(crate) const LABEL: Ink = Ink(1);
pub(crate) const GRID: Ink = Ink(2);
pub(crate) const UP: Ink = Ink(8);
pub(crate) const DOWN: Ink = Ink(4);
pub(crate) const PAYLOAD: Ink = Ink(7);
pub(crate) const ALARM: Ink = Ink(12);
const REST: Ink = Ink(13);

/// Lines of one picture, told apart.
pub(crate) const LINES: [Ink; 8] = [Ink(5), Ink(8), Ink(7), Ink(12), Ink(10), Ink(3), Ink(9), Ink(13)];

impl Ink {
    fn light(self) -> u32 {
        PALETTE[self.0].0
    }

    pub(crate) fn rgb(self) -> RGBColor {
        let [_, r, g, b] = self.light().to_be_bytes();
        RGBColor(r, g, b)
    }

    /// The colour in a style sheet.
    pub(crate) fn css(self) -> String {
        format!("var(--p{})", self.0)
    }

    /// What a cause is drawn in.
    pub(crate) fn of_cause(name: &str) -> Self {
        match Purpose::ALL.iter().find(|p| p.name() == name) {
            Some(Purpose::AvailIndex) => Ink(3),
            Some(Purpose::AvailEntry) => Ink(4),
            Some(Purpose::Descriptor) => Ink(5),
            Some(Purpose::IndirectTable) => Ink(6),
            Some(Purpose::Payload) => PAYLOAD,
            Some(Purpose::UsedElement | Purpose::UsedDescriptor) => Ink(8),
            Some(Purpose::UsedIndex) => Ink(9),
            Some(Purpose::DriverEvent) => Ink(10),
            Some(Purpose::DeviceEvent) => Ink(11),
            Some(Purpose::Msix | Purpose::Intx) => ALARM,
            _ => REST,
        }
    }

    /// What a kind of bytes is drawn in.
    pub(crate) fn of_kind(name: &str) -> Self {
        match Kind::ALL.iter().find(|k| k.name() == name) {
            Some(Kind::Payload) => PAYLOAD,
            Some(Kind::Ring) => Ink(4),
            Some(Kind::Events) => Ink(10),
            Some(Kind::Interrupts) => ALARM,
            Some(Kind::Registers) => Ink(9),
            _ => REST,
        }
    }
}

/// The palette as custom properties, light or dark.
pub(crate) fn variables(dark: bool) -> String {
    let colours: Vec<String> = PALETTE
        .iter()
        .enumerate()
        .map(|(i, (light, night))| format!("--p{i}:#{:06X};", if dark { night } else { light }))
        .collect();
    colours.concat()
}

/// Rules that give the pictures the colours in force.
pub(crate) fn rules() -> String {
    let rules: Vec<String> = PALETTE
        .iter()
        .enumerate()
        .map(|(i, (c, _))| {
            format!(
                "svg [fill=\"#{c:06X}\"]{{fill:var(--p{i})}}svg [stroke=\"#{c:06X}\"]{{stroke:var(--p{i})}}\n"
            )
        })
        .collect();
    rules.concat()
}
