//! Compiles the static C++ half of the model bridge. It needs `g++` and nothing of Verilator: models are built at run time.

fn main() {
    for file in ["cpp/abi.h", "cpp/bridge.h", "cpp/bridge.cc", "src/ffi.rs"] {
        println!("cargo::rerun-if-changed={file}");
    }
    cxx_build::bridge("src/ffi.rs")
        .file("cpp/bridge.cc")
        .include("cpp")
        .std("c++17")
        // The bridge is on the path of every cycle: same speed in a debug build of the Rust side.
        .opt_level(2)
        .flag_if_supported("-fno-strict-aliasing")
        .compile("ringside_bridge");
    println!("cargo::rustc-link-lib=dl");
}
