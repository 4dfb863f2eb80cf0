// Compiled into every model library, with the generated class `Vdut` and `RINGSIDE_PORTS` (ports.inc) beside it.
#include "abi.h"
#include "Vdut.h"
#include "verilated.h"
#if RINGSIDE_TRACE
#include "verilated_fst_c.h"
#endif
#if RINGSIDE_COVERAGE
#include "verilated_cov.h"
#endif
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

// False: generated code that `build/tune.rs` prepared skips its pass over the inputs. Per thread, as the log below.
constinit thread_local bool ringside_settle = true;

namespace {

// $display text since the last take_log. Per thread: a model lives and dies in one thread.
thread_local std::string t_log;

// A full log must not become a full memory: what comes after is counted, not kept.
constexpr std::size_t kLogLimit = 1u << 20;
thread_local std::size_t t_log_lost = 0;

// The bridge takes this apart again; \x1f cannot occur in a file name that Verilator accepted.
[[noreturn]] void throw_stop(const char* kind, const char* file, int line, const char* message) {
    throw std::runtime_error(std::string{kind} + '\x1f' + (file ? file : "") + '\x1f' + std::to_string(line) + '\x1f'
                             + (message ? message : ""));
}

} // namespace

int ringside_printf(const char* format, ...) {
    char small[512];
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    const int length = std::vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (length > 0) {
        if (t_log.size() + static_cast<std::size_t>(length) > kLogLimit) {
            t_log_lost += static_cast<std::size_t>(length);
        } else if (static_cast<std::size_t>(length) < sizeof small) {
            t_log.append(small, static_cast<std::size_t>(length));
        } else {
            std::string big(static_cast<std::size_t>(length) + 1, '\0');
            std::vsnprintf(big.data(), big.size(), format, again);
            t_log.append(big, 0, static_cast<std::size_t>(length));
        }
    }
    va_end(again);
    return length;
}

// VL_USER_FINISH/STOP/FATAL/WARN: Verilator's own versions end the process.
void vl_finish(const char* file, int line, const char*) { throw_stop("$finish", file, line, "$finish called"); }
void vl_stop(const char* file, int line, const char*) { throw_stop("$stop", file, line, ""); }
void vl_fatal(const char* file, int line, const char*, const char* message) { throw_stop("fatal", file, line, message); }
void vl_warn(const char* file, int line, const char*, const char* message) {
    ringside_printf("%%Warning: %s:%d: %s\n", file ? file : "", line, message ? message : "");
}

namespace {

class Dut final : public ringside::ModelAbi {
    // Order matters: the model must go before its context.
    std::unique_ptr<VerilatedContext> context_;
    std::unique_ptr<Vdut> top_;
    // The model counts time in its own precision (the finest `timescale of its sources), we in picoseconds.
    std::uint64_t units_per_ps_ = 1;
    std::uint64_t ps_per_unit_ = 1;
#if RINGSIDE_TRACE
    std::unique_ptr<VerilatedFstC> fst_;
    std::uint64_t dumped_ = 0;
    bool dumped_any_ = false;
#endif

    std::uint64_t units(std::uint64_t picoseconds) const { return picoseconds * units_per_ps_ / ps_per_unit_; }

public:
    explicit Dut(const ringside::ModelOptions& options) : context_{new VerilatedContext} {
        t_log.clear();
        t_log_lost = 0;
        context_->threads(1);
        context_->randReset(options.rand_reset);
        context_->randSeed(options.seed);
        context_->fatalOnVpiError(false);
#if RINGSIDE_TRACE
        context_->traceEverOn(true);
#endif
        std::vector<const char*> arguments{"ringside"};
        for (const std::string& plusarg : options.plusargs) arguments.push_back(plusarg.c_str());
        context_->commandArgs(static_cast<int>(arguments.size()), arguments.data());
        top_.reset(new Vdut{context_.get(), "TOP"});
        for (int exponent = context_->timeprecision(); exponent > -12; --exponent) ps_per_unit_ *= 10;
        for (int exponent = context_->timeprecision(); exponent < -12; ++exponent) units_per_ps_ *= 10;
        clear_inputs();
    }

    ~Dut() override {
#if RINGSIDE_TRACE
        if (fst_) fst_->close();
#endif
    }

    void clear_inputs();
    void eval() override {
        ringside_settle = true;
        top_->eval();
    }
    void eval_edge() override {
        ringside_settle = false;
        top_->eval();
    }
    void finish() override { top_->final(); }
    std::size_t port_count() const override;
    ringside::PortRow port(std::size_t index) const override;
    void set_time(std::uint64_t picoseconds) override { context_->time(units(picoseconds)); }

    void trace_open(const char* path) override {
#if RINGSIDE_TRACE
        fst_.reset(new VerilatedFstC);
        dumped_any_ = false;
        top_->trace(fst_.get(), 99);
        fst_->open(path);
        if (!fst_->isOpen()) {
            fst_.reset();
            throw std::runtime_error(std::string{"cannot open the waveform file "} + path);
        }
#else
        (void)path;
        throw std::runtime_error("this model was built without waveforms: build it with Mode::Trace");
#endif
    }

    void trace_dump(std::uint64_t picoseconds) override {
#if RINGSIDE_TRACE
        if (!fst_) return;
        const std::uint64_t time = units(picoseconds);
        // A precision coarser than half a clock puts two dumps at one time; a waveform has only one.
        if (dumped_any_ && time <= dumped_) return;
        dumped_ = time;
        dumped_any_ = true;
        fst_->dump(time);
#else
        (void)picoseconds;
#endif
    }

    void trace_close() override {
#if RINGSIDE_TRACE
        if (fst_) fst_->close();
        fst_.reset();
#endif
    }

    void coverage_write(const char* path) override {
#if RINGSIDE_COVERAGE
        context_->coveragep()->write(path);
#else
        (void)path;
        throw std::runtime_error("this model was built without coverage: build it with Mode::Cover");
#endif
    }

    void take_log(std::string& into) override {
        into.swap(t_log);
        t_log.clear();
        if (t_log_lost != 0) {
            into += "... " + std::to_string(t_log_lost) + " more bytes of $display output not kept\n";
            t_log_lost = 0;
        }
    }
};

#include "ports.inc"

} // namespace

__attribute__((visibility("default"))) ringside::ModelAbi* ringside_model_create(const ringside::ModelOptions* options) {
    return new Dut{*options};
}
