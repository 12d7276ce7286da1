//! What libraries below libtorch read from the environment as they are loaded.

/// Settings that make proxies faster, each with the variables that a user may set instead.
///
/// * By default libgomp's waiting threads spin for milliseconds, which costs nothing on an idle
///   machine; where other work has a core, a batch takes 5 to 30 times as long. With this
///   many spins both cases are near their best.
/// * By default the C library gives the memory of a large tensor back as soon as it is freed, and
///   the next tensor finds it page by page again: which takes a quarter of the time of a NASWOT. With these settings it
///   keeps up to 4 GB, for tensors of up to 32 MB, in one arena, since the others cannot
///   grow beyond 64 MB and give back what is empty, and in large pages.
#[cfg(unix)]
const SETTINGS: [(&str, &str, &[&str]); 2] = [
    ("GOMP_SPINCOUNT", "1000", &["OMP_WAIT_POLICY"]),
    (
        "GLIBC_TUNABLES",
        "glibc.malloc.trim_threshold=4294967296:glibc.malloc.mmap_threshold=33554432:\
         glibc.malloc.arena_max=1:glibc.malloc.hugetlb=1",
        &["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_ARENA_MAX"],
    ),
];

/// The settings that the environment lacks: without those that the user has chosen otherwise.
#[cfg(unix)]
pub fn missing() -> impl Iterator<Item = (&'static str, &'static str)> {
    let set = |variable: &str| std::env::var_os(variable).is_some();
    let missing = SETTINGS
        .into_iter()
        .filter(move |(own, _, others)| !set(own) && !others.iter().copied().any(set));
    missing.map(|(own, value, _)| (own, value))
}

/// Nothing to set where libtorch brings other libraries.
#[cfg(not(unix))]
pub fn missing() -> impl Iterator<Item = (&'static str, &'static str)> {
    std::iter::empty()
}
