// The bare C++ loop: recorded inputs in, eval, nothing else. `apply.h` is generated and knows the ports.
//
//   replay ROWS REPEAT SKIP      prints {"cycles": .., "cpu_s": .., "mismatch_cycle": ..}
//
// The first SKIP cycles (bring-up, mostly idle) are replayed but not timed.
#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "Vdut.h"
#include "verilated.h"

#include "apply.h"

static double cpu_seconds() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: replay ROWS REPEAT SKIP\n");
        return 2;
    }
    std::ifstream in(argv[1], std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    const std::size_t row_words = kInputWords + 1;
    const std::size_t cycles = bytes.size() / (4 * row_words);
    if (cycles == 0) {
        std::fprintf(stderr, "replay: %s holds no cycle\n", argv[1]);
        return 2;
    }
    const std::size_t skip = std::strtoull(argv[3], nullptr, 10);
    if (skip >= cycles) {
        std::fprintf(stderr, "replay: %zu cycles to skip, %zu recorded\n", skip, cycles);
        return 2;
    }
    std::vector<std::uint32_t> rows(cycles * row_words);
    std::memcpy(rows.data(), bytes.data(), rows.size() * 4);

    // First pass: is it the same work? Only the first difference matters. The first cycles show whatever state power-up had.
    long mismatch = -1;
    {
        VerilatedContext context;
        Vdut top{&context};
        for (std::size_t c = 0; c < cycles; ++c) {
            const std::uint32_t* row = &rows[c * row_words];
            apply(top, row);
            top.kClock = 0;
            top.eval();
            if (c > kSettleCycles && fold(top) != row[kInputWords]) {
                mismatch = long(c);
                break;
            }
            top.kClock = 1;
            top.eval();
        }
        top.final();
    }
    double best = 1e99;
    for (int pass = 0; pass < std::atoi(argv[2]); ++pass) {
        VerilatedContext context;
        Vdut top{&context};
        double started = 0;
        for (std::size_t c = 0; c < cycles; ++c) {
            if (c == skip) started = cpu_seconds();
            apply(top, &rows[c * row_words]);
            top.kClock = 0;
            top.eval();
            top.kClock = 1;
            top.eval();
        }
        const double took = cpu_seconds() - started;
        if (took < best) best = took;
        top.final();
    }
    std::printf("{\"cycles\": %zu, \"cpu_s\": %.6f, \"mismatch_cycle\": %ld}\n", cycles - skip, best, mismatch);
    return mismatch < 0 ? 0 : 1;
}
