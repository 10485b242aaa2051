#include "tls_library.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "file.h"
#include "go_functions.h"
#include "uprobes.h"

namespace clover {
namespace {

struct EndElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfFile = std::unique_ptr<Elf, EndElf>;

bool is_go(std::string_view name) { return name.substr(0, kGoTls.size()) == kGoTls; }

bool is_wanted(std::string_view name) {
  return std::any_of(kTlsProbes.begin(), kTlsProbes.end(), [&](const TlsProbe& probe) { return probe.function == name; });
}

// An address as the program has it, as an offset in its file.
std::optional<u64> offset_of(Elf* elf, u64 address) {
  size_t count = 0;
  elf_getphdrnum(elf, &count);
  for (size_t i = 0; i < count; i++) {
    GElf_Phdr part;
    if (gelf_getphdr(elf, static_cast<int>(i), &part) == nullptr || part.p_type != PT_LOAD) continue;
    if (address >= part.p_vaddr && address - part.p_vaddr < part.p_filesz) return address - part.p_vaddr + part.p_offset;
  }
  return std::nullopt;
}

// A part of a file.
struct Extent {
  u64 at = 0, size = 0;
};

constexpr u64 kMaxPart = 64 * 1024 * 1024;  // that is held at one time
constexpr u64 kMaxFunction = 1024 * 1024;

// Whether a section may be read whole: a file says anything of itself.
bool fits(Elf* elf, size_t section) {
  GElf_Shdr head;
  return gelf_getshdr(elf_getscn(elf, section), &head) != nullptr && head.sh_size <= kMaxPart;
}

// An ELF file. It is read and not mapped: who can write to it could cut it short, and a page that is gone would end this process.
struct Program {
  const File& file;
  Elf* elf;
  u16 machine = 0;
  TlsFunctions functions;
  std::set<std::string, std::less<>> named;

  std::string read(Extent part) const {
    std::string bytes(part.size <= kMaxPart ? part.size : 0, '\0');
    ssize_t got = pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(part.at));
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return bytes;
  }
  // Of each name only the first: a table may have it any number of times, and each is read.
  void add(std::string_view name, u64 address, u64 size) {
    if (!is_wanted(name) || !named.emplace(name).second) return;
    auto offset = offset_of(elf, address);
    if (!offset) return;
    TlsFunction function{*offset, {}};
    if (is_go(name) && size <= kMaxFunction) {
      std::string code = read({*offset, size});
      function.at += body_of(code, machine);
      for (u64 at : returns_of(code, machine)) function.returns.push_back(*offset + at);
    }
    functions.by_name.emplace(name, std::move(function));
  }
};

void read_symbols(Program& program, Elf_Scn* section, const GElf_Shdr& head) {
  if (head.sh_size > kMaxPart || !fits(program.elf, head.sh_link)) return;
  Elf_Data* data = elf_getdata(section, nullptr);
  if (data == nullptr || head.sh_entsize == 0) return;
  for (size_t i = 0; i < data->d_size / head.sh_entsize; i++) {
    GElf_Sym symbol;
    if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) return;
    if (symbol.st_shndx == SHN_UNDEF || GELF_ST_TYPE(symbol.st_info) != STT_FUNC) continue;
    const char* name = elf_strptr(program.elf, head.sh_link, symbol.st_name);
    if (name != nullptr && is_wanted(name)) program.add(name, symbol.st_value, symbol.st_size);
  }
}

// std::string_view::find is too slow for the 40 MB of a large program.
size_t find_in(std::string_view bytes, std::string_view what, size_t from) {
  const void* found = memmem(bytes.data() + from, bytes.size() - from, what.data(), what.size());
  return found == nullptr ? std::string_view::npos : static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
}

// `OpenSSL 3.5.8 25 Aug 2026`, as it says its own name.
std::string openssl_version(std::string_view bytes) {
  constexpr std::string_view kName = "OpenSSL ";
  for (size_t at = find_in(bytes, kName, 0); at != std::string_view::npos; at = find_in(bytes, kName, at + 1)) {
    std::string_view rest = bytes.substr(at + kName.size(), 32);
    size_t end = rest.find(' ');
    bool dated = end != std::string_view::npos && end + 1 < rest.size() && rest[end + 1] >= '0' && rest[end + 1] <= '3';
    if (dated && rest[0] >= '0' && rest[0] <= '9' && rest[1] == '.') return std::string(rest.substr(0, end));
  }
  return "";
}

// What the constants of a program say of a library within it.
void read_constants(const Program& program, Extent constants, TlsLibrary& library) {
  constexpr std::string_view kBoring{"BoringSSL\0", 10};
  constexpr u64 kWindow = 1024 * 1024, kOverlap = 64;
  for (u64 at = 0; at < constants.size && library.version.empty(); at += kWindow) {
    std::string bytes = program.read({constants.at + at, std::min(kWindow + kOverlap, constants.size - at)});
    library.version = openssl_version(bytes);
    if (bytes.empty()) return;
    if (!library.version.empty()) library.name = "OpenSSL";
    else if (find_in(bytes, kBoring, 0) != std::string_view::npos) library.name = "BoringSSL";
  }
}

template <typename F>
void each_section(Elf* elf, F look) {
  size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0 || !fits(elf, names)) return;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr head;
    if (gelf_getshdr(section, &head) == nullptr) continue;
    const char* name = elf_strptr(elf, names, head.sh_name);
    look(section, head, std::string_view(name == nullptr ? "" : name));
  }
}

// Whether the head of a file can count its sections and segments, as a program's can: of others the library would keep all that they claim.
// And whether it is for this machine's size of registers, by which the arguments of its functions are known.
bool is_program(const File& file) {
  Elf64_Ehdr head;
  if (pread(file.get(), &head, sizeof(head), 0) != sizeof(head) || head.e_ident[EI_CLASS] != ELFCLASS64) return false;
  return (head.e_shnum != 0 || head.e_shoff == 0) && head.e_phnum != PN_XNUM;
}

// What the sections of a program say at first sight.
struct Sections {
  bool is_go = false;
  u64 text = 0;
  Extent go_table, constants;
};

Sections sections_of(Elf* elf) {
  Sections found;
  each_section(elf, [&](Elf_Scn*, const GElf_Shdr& part, std::string_view name) {
    if (part.sh_type == SHT_NOBITS) return;
    if (name == ".go.buildinfo") found.is_go = true;
    else if (name == ".gopclntab" || name == ".data.rel.ro.gopclntab") found.go_table = {part.sh_offset, part.sh_size};
    else if (name == ".rodata") found.constants = {part.sh_offset, part.sh_size};
    else if (name == ".text") found.text = part.sh_addr;
  });
  return found;
}

void read_functions(Program& program, const Sections& sections) {
  if (sections.is_go)
    each_go_function(program.read(sections.go_table), sections.text,
                     [&](std::string_view name, u64 address, u64 size) { program.add(name, address, size); });
  program.functions.go = !program.functions.by_name.empty();
  for (u32 table : {SHT_DYNSYM, SHT_SYMTAB}) {
    bool read = false;  // there is one at the most of each kind
    each_section(program.elf, [&](Elf_Scn* section, const GElf_Shdr& part, std::string_view) {
      if (part.sh_type != table || read || program.functions.readable()) return;
      read = true;
      read_symbols(program, section, part);
    });
  }
}

// Calls `look` with a program; nothing where the file is none.
template <typename F>
auto with_program(const std::string& path, F look) -> decltype(look(std::declval<Program&>(), GElf_Ehdr())) {
  elf_version(EV_CURRENT);
  // What was mapped there may have been replaced since, by something that would be waited for.
  File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat found {};
  if (!file || fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode) || !is_program(file)) return {};
  ElfFile elf(elf_begin(file.get(), ELF_C_READ, nullptr));
  GElf_Ehdr head;
  if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &head) == nullptr) return {};
  Program program{file, elf.get(), head.e_machine, {}, {}};
  return look(program, head);
}

}  // namespace

bool TlsFunctions::readable() const {
  auto has = [&](std::string_view name) { return by_name.find(name) != by_name.end(); };
  if (has("SSL_read") && has("SSL_write")) return true;
  return has(kGoRead) && has(kGoWrite) && !by_name.find(kGoRead)->second.returns.empty();
}

TlsFunctions tls_functions_of(const std::string& path) {
  return with_program(path, [](Program& program, const GElf_Ehdr&) {
    read_functions(program, sections_of(program.elf));
    return std::move(program.functions);
  });
}

std::optional<TlsLibrary> tls_library_of(const std::string& path) {
  return with_program(path, [](Program& program, const GElf_Ehdr& head) -> std::optional<TlsLibrary> {
    Sections sections = sections_of(program.elf);
    read_functions(program, sections);
    TlsLibrary library;
    library.readable = program.functions.readable();
    if (program.functions.go) library.name = "Go crypto/tls";
    else if (head.e_entry != 0 || library.readable) read_constants(program, sections.constants, library);
    if (library.name.empty() && library.readable) library.name = "OpenSSL";
    if (library.name.empty()) return std::nullopt;
    return library;
  });
}

}  // namespace clover
