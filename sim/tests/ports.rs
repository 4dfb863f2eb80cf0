//! Ports and parameters: every width goes in and out unchanged, and what is missing is said.

mod common;

use common::{dut, model};
use ringside_sim::build::{Direction, Mode};
use ringside_sim::model::{Model, PortError};

fn tick(model: &mut Model, clock: ringside_sim::port::Port) {
    clock.set_bool(true);
    model.eval().unwrap();
    clock.set_bool(false);
    model.eval().unwrap();
}

#[test]
fn wide_and_odd_ports_round_trip() {
    let built = model(&dut("counter"), Mode::Fast);
    let mut model = Model::load(&built, 1).unwrap();
    let [clock, wide_i, wide_o, mid_i, mid_o] =
        ["clk_i", "wide_i", "wide_o", "mid_i", "mid_o"].map(|name| model.port(name).unwrap());
    assert_eq!(wide_i.width(), 512);
    let value: Vec<u32> = (0..16).map(|i| 0x9e37_79b9_u32.wrapping_mul(i + 1)).collect();
    wide_i.write_words(&value);
    mid_i.set_u64(0x12_3456_789a);
    tick(&mut model, clock);
    let mut back = [0; 16];
    wide_o.read_words(&mut back);
    assert_eq!(back.to_vec(), value);
    assert_eq!(mid_o.get_u64(), !0x12_3456_789a & 0xff_ffff_ffff);
}

#[test]
fn parameters_reach_the_design() {
    let dut = dut("counter")
        .with_parameter("STEP", 3)
        .with_parameter("TAG", "16'hbeef")
        .with_parameter("NAME", "ringside");
    let mut model = Model::load(&model(&dut, Mode::Fast), 1).unwrap();
    let [clock, reset, enable, count] =
        ["clk_i", "rst_ni", "enable_i", "count_o"].map(|name| model.port(name).unwrap());
    tick(&mut model, clock);
    reset.set_bool(true);
    enable.set_bool(true);
    for _ in 0..5 {
        tick(&mut model, clock);
    }
    assert_eq!(count.get_u64(), 15);
    assert_eq!(model.port("tag_o").unwrap().get_u64(), 0xbeef);
    assert!(model.port("named_o").unwrap().get_bool());
}

#[test]
fn a_missing_port_names_its_neighbours() {
    let model = Model::load(&model(&dut("counter"), Mode::Fast), 1).unwrap();
    let error = model.port("wide_0").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the design has no port `wide_0`; near are wide_i, wide_o, mid_i, mid_o"
    );
    let error = model.port_as("wide_o", Direction::Output, 256).unwrap_err();
    assert!(
        matches!(
            error,
            PortError::Shape {
                got_bits: 512,
                want_bits: 256,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(
        model.port("a_name_like_no_other").unwrap_err().to_string(),
        "the design has no port `a_name_like_no_other`"
    );
}
