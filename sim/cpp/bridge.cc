#include "bridge.h"
#include "ringside-sim/src/ffi.rs.h"
#include <dlfcn.h>
#include <stdexcept>
#include <string>

namespace ringside {

rust::Vec<PortEntry> Model::ports() const {
    rust::Vec<PortEntry> all;
    for (std::size_t i = 0; i < model_->port_count(); ++i) {
        const PortRow row = model_->port(i);
        all.push_back(PortEntry{rust::String{row.name}, reinterpret_cast<std::size_t>(row.address), row.width,
                                row.is_input != 0});
    }
    return all;
}

void Model::trace_open(rust::Str path) { model_->trace_open(std::string{path}.c_str()); }

void Model::coverage_write(rust::Str path) { model_->coverage_write(std::string{path}.c_str()); }

rust::Vec<std::uint8_t> Model::take_log() {
    std::string text;
    model_->take_log(text);
    rust::Vec<std::uint8_t> bytes;
    bytes.reserve(text.size());
    for (const char c : text) bytes.push_back(static_cast<std::uint8_t>(c));
    return bytes;
}

std::unique_ptr<Model> load_model(rust::Str library, std::int32_t seed, std::int32_t rand_reset,
                                  const rust::Vec<rust::String>& plusargs) {
    const std::string path{library};
    // RTLD_LOCAL: every library carries its own Verilator runtime, built with its own options.
    void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const char* const why = dlerror();
        throw std::runtime_error(why != nullptr ? why : "dlopen failed");
    }
    using Create = ModelAbi* (*)(const ModelOptions*);
    const auto create = reinterpret_cast<Create>(dlsym(handle, "ringside_model_create"));
    if (create == nullptr) throw std::runtime_error("it does not export ringside_model_create");
    ModelOptions options{seed, rand_reset, {}};
    for (const rust::String& plusarg : plusargs) options.plusargs.push_back('+' + std::string{plusarg});
    return std::unique_ptr<Model>{new Model{create(&options)}};
}

} // namespace ringside
