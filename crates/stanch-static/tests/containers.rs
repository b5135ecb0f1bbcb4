//! The library's code for nodes of containers, executed: real containers of the installed C++ library work with it.
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = r#"
#include <cassert>
#include <cstdlib>
#include <list>
#include <map>
#include <set>
#include <unordered_map>

extern "C" void stanch_keep(void *) {}
extern "C" int stanch_any(void) { return 1; }

// Whatever is inserted and erased, a map has the keys that an array of flags has, in both directions.
static void compare(const std::map<int, int> &map, const bool (&has)[40])
{
    auto at = map.begin();
    for (int key = 0; key < 40; key++)
        if (has[key])
            assert(at != map.end() && (at++)->first == key);
    assert(at == map.end());
    auto back = map.rbegin();
    for (int key = 39; key >= 0; key--)
        if (has[key])
            assert(back != map.rend() && (back++)->first == key);
    assert(back == map.rend());
}

int main()
{
    for (int round = 0; round < 500; round++) {
        std::map<int, int> map;
        bool has[40] = {};
        for (int step = 0; step < 60; step++) {
            int key = rand() % 40;
            if (rand() % 3)
                map[key] = step, has[key] = true;
            else
                map.erase(key), has[key] = false;
            compare(map, has);
        }
    }
    std::list<int> one{1, 2, 3}, other{4, 5};
    one.splice(one.begin(), other);
    one.reverse();
    one.swap(other);
    assert(one.empty() && (other == std::list<int>{3, 2, 1, 5, 4}));
    other.sort();
    other.erase(other.begin());
    other.swap(one);
    assert(other.empty() && (one == std::list<int>{2, 3, 4, 5}));
    std::unordered_map<int, int> table;
    for (int key = 0; key < 100; key++)
        table[key] = key;
    assert(table.size() == 100 && table[7] == 7);
}
"#;

fn run(program: &str, arguments: &[&str], folder: &Path) {
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn containers_work_with_the_models_of_their_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/libstdcxx.c");
    std::fs::write(folder.path().join("program.cc"), PROGRAM).unwrap();
    run("gcc", &["-Wall", "-Werror", "-Wno-attributes", "-c", model, "-o", "model.o"], folder.path());
    let words = ["-std=c++17", "-fsanitize=address", "program.cc", "model.o", "-o", "program"];
    run("g++", &words, folder.path());
    run("./program", &[], folder.path());
}
