// The binary contract between the bridge (in the Rust program) and one model library (dlopened).
// Both sides include this one file; its text is part of the hash that names a cached model, so the two cannot disagree.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ringside {

/// One flat port of the top module, as the generated class stores it.
struct PortRow {
    const char* name;      ///< name in the SystemVerilog source
    void* address;         ///< 1, 2, 4, 8 bytes or an array of 32-bit words, by width
    std::uint32_t width;   ///< bits
    std::uint8_t is_input; ///< 1: input, 0: output
};

/// What a model is born with.
struct ModelOptions {
    std::int32_t seed;       ///< seeds x-initial, x-assign and $urandom
    std::int32_t rand_reset; ///< 0: uninitialised state is all 0; 2: random from the seed
    std::vector<std::string> plusargs; ///< `+NAME=value`, for $value$plusargs
};

/// A Verilated model with its context. Every method may throw std::runtime_error.
class ModelAbi {
public:
    virtual ~ModelAbi() = default;
    virtual void eval() = 0;
    virtual void eval_edge() = 0;                          ///< eval when no input but the clock moved since the last one
    virtual void finish() = 0;                             ///< run the final blocks
    virtual std::size_t port_count() const = 0;
    virtual PortRow port(std::size_t index) const = 0;
    virtual void set_time(std::uint64_t picoseconds) = 0;  ///< what $time says
    virtual void trace_open(const char* path) = 0;
    virtual void trace_dump(std::uint64_t picoseconds) = 0;
    virtual void trace_close() = 0;
    virtual void coverage_write(const char* path) = 0;
    virtual void take_log(std::string& into) = 0;          ///< moves out what $display and friends printed
};

} // namespace ringside

/// The one symbol a model library exports.
extern "C" ringside::ModelAbi* ringside_model_create(const ringside::ModelOptions* options);
