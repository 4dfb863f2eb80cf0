//! The one `cxx` bridge. It knows no design: ports come back as a table of addresses.

#[cxx::bridge(namespace = "ringside")]
pub(crate) mod bridge {
    /// One row of a model's port table.
    #[derive(Debug, Clone)]
    struct PortEntry {
        name: String,
        address: usize,
        width: u32,
        is_input: bool,
    }

    unsafe extern "C++" {
        include!("bridge.h");

        type Model;

        fn load_model(
            library: &str,
            seed: i32,
            rand_reset: i32,
            plusargs: &Vec<String>,
        ) -> Result<UniquePtr<Model>>;
        fn eval(self: Pin<&mut Model>) -> Result<()>;
        fn eval_edge(self: Pin<&mut Model>) -> Result<()>;
        fn finish(self: Pin<&mut Model>) -> Result<()>;
        fn ports(self: &Model) -> Vec<PortEntry>;
        fn set_time(self: Pin<&mut Model>, picoseconds: u64);
        fn trace_open(self: Pin<&mut Model>, path: &str) -> Result<()>;
        fn trace_dump(self: Pin<&mut Model>, picoseconds: u64) -> Result<()>;
        fn trace_close(self: Pin<&mut Model>) -> Result<()>;
        fn coverage_write(self: Pin<&mut Model>, path: &str) -> Result<()>;
        fn take_log(self: Pin<&mut Model>) -> Vec<u8>;
    }
}
