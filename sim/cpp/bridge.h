// The static half of the bridge: one opaque class for every model, whatever its ports.
#pragma once
#include "abi.h"
#include "rust/cxx.h"
#include <cstdint>
#include <memory>

namespace ringside {

struct PortEntry; // shared with Rust, defined by cxx

class Model final {
    std::unique_ptr<ModelAbi> model_;

public:
    explicit Model(ModelAbi* model) : model_{model} {}
    void eval() { model_->eval(); }
    void eval_edge() { model_->eval_edge(); }
    void finish() { model_->finish(); }
    rust::Vec<PortEntry> ports() const;
    void set_time(std::uint64_t picoseconds) { model_->set_time(picoseconds); }
    void trace_open(rust::Str path);
    void trace_dump(std::uint64_t picoseconds) { model_->trace_dump(picoseconds); }
    void trace_close() { model_->trace_close(); }
    void coverage_write(rust::Str path);
    rust::Vec<std::uint8_t> take_log();
};

/// dlopens `library` and makes one model. The library stays loaded: a closed one would leave thread-local destructors behind.
std::unique_ptr<Model> load_model(rust::Str library, std::int32_t seed, std::int32_t rand_reset,
                                  const rust::Vec<rust::String>& plusargs);

} // namespace ringside
