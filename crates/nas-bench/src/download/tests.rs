//! Downloads from a scripted server on this machine, and from folders.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Barrier,
};

use super::*;
use crate::{Group, checksum::hex};

const CONTENT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

fn entry() -> Entry {
    entry_named("file", CONTENT)
}

fn entry_named(name: &str, content: &[u8]) -> Entry {
    Entry {
        name: name.to_owned(),
        group: Group::Tables,
        url: format!("https://host.example/folder/{name}.bin"),
        bytes: content.len() as u64,
        sha256: hex(&Sha256::digest(content)),
        licence: "MIT".to_owned(),
        what: "test".to_owned(),
        cite: vec!["nobody".to_owned()],
        costs: None,
    }
}

/// One scripted answer. What is sent is `head`, then `body`; then the connection is closed.
#[derive(Clone)]
struct Reply {
    head: String,
    body: Vec<u8>,
    /// Time before the answer.
    delay: Duration,
}

impl Reply {
    /// An answer that announces the length of its body.
    fn new(status: &str, body: &[u8]) -> Self {
        Self::with(status, &format!("Content-Length: {}\r\n", body.len()), body)
    }

    fn with(status: &str, headers: &str, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
        Self { head, body: body.to_vec(), delay: Duration::ZERO }
    }

    /// The whole file.
    fn whole() -> Self {
        Self::new("200 OK", CONTENT)
    }

    /// The file from `start` on, as an answer to a Range.
    fn rest(start: usize, body: &[u8]) -> Self {
        let last = start + body.len() - 1;
        let range = format!(
            "Content-Length: {}\r\nContent-Range: bytes {start}-{last}/{}\r\n",
            body.len(),
            CONTENT.len()
        );
        Self::with("206 Partial Content", &range, body)
    }

    /// The same answer, of which only the first bytes of the body arrive.
    fn cut(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self
    }

    fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// Path and Range of each request.
type Requests = Arc<Mutex<Vec<(String, Option<String>)>>>;

struct Server {
    address: String,
    requests: Requests,
}

impl Server {
    /// A server that gives these answers in turn, and HTTP 599 when they are used up.
    async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Vec<Reply> = replies.into_iter().collect();
        let next = AtomicUsize::new(0);
        Self::answering(move |_| {
            let reply = replies.get(next.fetch_add(1, Ordering::SeqCst)).cloned();
            let unscripted = || Reply::new("599 Unscripted", b"");
            std::future::ready(reply.unwrap_or_else(unscripted))
        })
        .await
    }

    async fn answering<F>(answer: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Reply> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Requests::default();
        let (log, answer) = (Arc::clone(&requests), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                tokio::spawn(async move {
                    let (path, range) = read_request(&mut stream).await;
                    log.lock().unwrap().push((path.clone(), range));
                    let reply = answer(path).await;
                    tokio::time::sleep(reply.delay).await;
                    let _ = stream.write_all(reply.head.as_bytes()).await;
                    let _ = stream.write_all(&reply.body).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { address, requests }
    }

    /// The Range header of each request so far.
    fn ranges(&self) -> Vec<Option<String>> {
        self.requests.lock().unwrap().iter().map(|(_, range)| range.clone()).collect()
    }
}

async fn read_request(stream: &mut TcpStream) -> (String, Option<String>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => break,
        }
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let range = request.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("range").then(|| value.to_owned())
    });
    (path, range)
}

/// A table folder, and a downloader that does not wait long.
struct Setting {
    folder: TempDir,
    server: Server,
}

impl Setting {
    async fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: Server::start(replies).await }
    }

    fn downloader(&self) -> Downloader {
        Downloader::new(self.folder.path())
            .base(&self.server.address)
            .retries(3, Duration::from_millis(1))
            .idle_timeout(Duration::from_millis(300))
    }

    async fn fetch(&self) -> Result<Outcome, Error> {
        self.downloader().fetch(&[&entry()], &()).await
    }

    fn target(&self) -> PathBuf {
        raw_path(self.folder.path(), &entry())
    }

    fn part(&self) -> PathBuf {
        part_path(&self.target())
    }

    /// Lays bytes from an earlier attempt.
    fn lay_part(&self, content: &[u8]) {
        fs::create_dir_all(self.target().parent().unwrap()).unwrap();
        fs::write(self.part(), content).unwrap();
    }

    async fn succeeds(&self, ranges: &[Option<&str>]) {
        let outcome = self.fetch().await.unwrap();
        assert_eq!(outcome.fetched, ["file"]);
        assert_eq!(fs::read(self.target()).unwrap(), CONTENT);
        assert!(!self.part().exists());
        self.requested(ranges);
    }

    async fn fails(&self, requests: usize) -> Error {
        let error = self.fetch().await.unwrap_err();
        assert!(!self.target().exists(), "{error}");
        assert_eq!(self.server.ranges().len(), requests, "{error}");
        error
    }

    fn requested(&self, ranges: &[Option<&str>]) {
        let ranges: Vec<Option<String>> =
            ranges.iter().map(|range| range.map(str::to_owned)).collect();
        assert_eq!(self.server.ranges(), ranges);
    }
}

#[tokio::test]
async fn a_file_is_fetched_once() {
    let setting = Setting::new([Reply::whole()]).await;
    setting.succeeds(&[None]).await;
    let path = setting.server.requests.lock().unwrap()[0].0.clone();
    assert_eq!(path, "/host.example/folder/file.bin");

    let again = setting.fetch().await.unwrap();
    assert_eq!(again, Outcome { fetched: Vec::new(), present: vec!["file".to_owned()] });
    setting.requested(&[None]);
}

#[tokio::test]
async fn a_damaged_file_is_fetched_anew() {
    let setting = Setting::new([Reply::whole()]).await;
    fs::create_dir_all(setting.target().parent().unwrap()).unwrap();
    let mut damaged = CONTENT.to_vec();
    damaged[20] ^= 1;
    fs::write(setting.target(), damaged).unwrap();
    setting.succeeds(&[None]).await;
}

#[tokio::test]
async fn a_flipped_byte_is_noticed() {
    let mut flipped = CONTENT.to_vec();
    flipped[7] ^= 1;
    let setting = Setting::new([Reply::new("200 OK", &flipped)]).await;
    let error = setting.fails(1).await;
    assert!(matches!(&error, Error::Checksum { expected, .. } if *expected == entry().sha256));
    assert!(error.to_string().contains("/host.example/folder/file.bin"), "{error}");
    assert!(!setting.part().exists());
}

#[tokio::test]
async fn a_file_of_another_size_is_refused_before_it_is_fetched() {
    for body in [&CONTENT[..10], &[b'x'; 100]] {
        let setting = Setting::new([Reply::new("200 OK", body)]).await;
        let error = setting.fails(1).await;
        let got = body.len() as u64;
        assert!(matches!(error, Error::Size { expected: 36, got: g, .. } if g == got), "{error}");
    }
}

#[tokio::test]
async fn a_file_of_unannounced_length_is_cut_off_when_too_long() {
    let setting = Setting::new([Reply::with("200 OK", "", &[b'x'; 100])]).await;
    let error = setting.fails(1).await;
    assert!(matches!(error, Error::Size { expected: 36, .. }), "{error}");
    assert!(!setting.part().exists());
}

#[tokio::test]
async fn a_file_that_always_ends_early_is_given_up() {
    let short = Reply::with("200 OK", "", &CONTENT[..10]);
    let setting = Setting::new([short.clone(), short.clone(), short]).await;
    let error = setting.fails(3).await;
    assert!(error.to_string().contains("ended after 10 of 36 bytes (after 3 attempts)"), "{error}");
}

#[tokio::test]
async fn a_missing_file_is_an_error_at_once() {
    for status in [404, 403, 410] {
        let setting = Setting::new([Reply::new(&format!("{status} No"), b"no")]).await;
        let error = setting.fails(1).await;
        assert!(matches!(error, Error::Http { status: s, .. } if s == status), "{error}");
    }
}

#[tokio::test]
async fn a_cut_connection_goes_on_where_it_was() {
    let replies = [Reply::whole().cut(10), Reply::rest(10, &CONTENT[10..])];
    let setting = Setting::new(replies).await;
    setting.succeeds(&[None, Some("bytes=10-")]).await;
}

#[tokio::test]
async fn a_connection_that_keeps_breaking_may_take_more_attempts_than_allowed_in_a_row() {
    let from = |start: usize| Reply::rest(start, &CONTENT[start..]).cut(6);
    let mut replies = vec![Reply::whole().cut(6)];
    replies.extend([6, 12, 18, 24, 30].map(from));
    let setting = Setting::new(replies).await;
    let ranges = ["bytes=6-", "bytes=12-", "bytes=18-", "bytes=24-", "bytes=30-"].map(Some);
    setting.succeeds(&[&[None], &ranges[..]].concat()).await;
}

#[tokio::test]
async fn an_earlier_run_is_gone_on_with() {
    let setting = Setting::new([Reply::rest(20, &CONTENT[20..])]).await;
    setting.lay_part(&CONTENT[..20]);
    setting.succeeds(&[Some("bytes=20-")]).await;
}

#[tokio::test]
async fn a_complete_part_needs_no_request() {
    let setting = Setting::new([]).await;
    setting.lay_part(CONTENT);
    setting.succeeds(&[]).await;
}

#[tokio::test]
async fn a_complete_but_wrong_part_is_fetched_anew() {
    let setting = Setting::new([Reply::whole()]).await;
    setting.lay_part(&[b'x'; 36]);
    setting.succeeds(&[None]).await;
}

#[tokio::test]
async fn a_server_without_ranges_starts_over() {
    let setting = Setting::new([Reply::whole()]).await;
    setting.lay_part(b"01234");
    setting.succeeds(&[Some("bytes=5-")]).await;
}

#[tokio::test]
async fn a_refused_range_starts_over() {
    let setting = Setting::new([Reply::new("416 No", b""), Reply::whole()]).await;
    setting.lay_part(b"01234");
    setting.succeeds(&[Some("bytes=5-"), None]).await;
}

#[tokio::test]
async fn another_range_than_asked_for_starts_over() {
    let setting = Setting::new([Reply::rest(2, &CONTENT[2..]), Reply::whole()]).await;
    setting.lay_part(b"01234");
    setting.succeeds(&[Some("bytes=5-"), None]).await;
}

#[tokio::test]
async fn a_part_of_another_version_starts_over() {
    let setting = Setting::new([Reply::rest(5, &CONTENT[5..]), Reply::whole()]).await;
    setting.lay_part(b"xxxxx");
    setting.succeeds(&[Some("bytes=5-"), None]).await;
}

#[tokio::test]
async fn a_file_that_changed_its_size_is_refused_on_resuming() {
    let range = "Content-Length: 5\r\nContent-Range: bytes 5-9/10\r\n";
    let setting = Setting::new([Reply::with("206 Partial Content", range, b"56789")]).await;
    setting.lay_part(b"01234");
    let error = setting.fails(1).await;
    assert!(matches!(error, Error::Size { expected: 36, got: 10, .. }), "{error}");
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again() {
    let replies = [
        Reply::new("500 Oops", b""),
        Reply::with("429 Slow down", "Retry-After: 0\r\nContent-Length: 0\r\n", b""),
        Reply::whole(),
    ];
    Setting::new(replies).await.succeeds(&[None, None, None]).await;
}

#[tokio::test]
async fn a_server_that_stays_overloaded_is_given_up() {
    let setting = Setting::new(vec![Reply::new("503 Busy", b""); 9]).await;
    let error = setting.fails(3).await;
    assert!(error.to_string().ends_with("HTTP status 503 (after 3 attempts)"), "{error}");
}

#[tokio::test]
async fn a_silent_server_is_asked_again() {
    let silent = Reply::whole().after(Duration::from_secs(600));
    Setting::new([silent, Reply::whole()]).await.succeeds(&[None, None]).await;
}

#[tokio::test]
async fn an_unreachable_server_is_named() {
    let mut setting = Setting::new([]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    setting.server.address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = setting.fails(0).await;
    let text = error.to_string();
    assert!(text.starts_with(&setting.server.address), "{text}");
    assert!(text.contains("refused") && text.ends_with("(after 3 attempts)"), "{text}");
}

/// Writes to `/dev/full` fail as on a full disk.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_named_with_the_bytes_needed() {
    let setting = Setting::new([Reply::whole()]).await;
    fs::create_dir_all(setting.target().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/dev/full", setting.part()).unwrap();
    let error = setting.fails(1).await;
    let expected = format!("{}: no space left: 36 more bytes are needed", setting.part().display());
    assert!(error.to_string().starts_with(&expected), "{error}");

    let mirror = tempfile::tempdir().unwrap();
    lay(mirror.path(), &entry(), CONTENT);
    let downloader = Downloader::new(setting.folder.path()).mirror(mirror.path());
    let error = downloader.fetch(&[&entry()], &()).await.unwrap_err();
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert!(!setting.target().exists());
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let occupied = folder.path().join("occupied");
    fs::write(&occupied, "a file").unwrap();
    let error = Downloader::new(&occupied).fetch(&[&entry()], &()).await.unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if *path == occupied), "{error}");
}

/// All files must be asked for before the first is answered.
#[tokio::test]
async fn files_are_fetched_side_by_side() {
    let together = Arc::new(Barrier::new(3));
    let server = Server::answering(move |_| {
        let together = Arc::clone(&together);
        async move {
            together.wait().await;
            Reply::whole()
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let files = ["a", "b", "c"].map(|name| entry_named(name, CONTENT));
    let downloader = Downloader::new(folder.path()).base(&server.address).parallel(3);
    let files: Vec<&Entry> = files.iter().collect();
    let outcome = downloader.fetch(&files, &()).await.unwrap();
    assert_eq!(outcome.fetched, ["a", "b", "c"]);
}

#[tokio::test]
async fn two_downloads_into_one_folder_take_turns() {
    #[derive(Default)]
    struct Waits(AtomicUsize);
    impl Progress for Waits {
        fn waiting(&self, _: &Path) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let setting = Setting::new([Reply::whole().after(Duration::from_millis(100))]).await;
    let (entry, waits, downloader) = (entry(), Waits::default(), setting.downloader());
    let files = [&entry];
    let (one, other) =
        tokio::join!(downloader.fetch(&files, &waits), downloader.fetch(&files, &waits));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.fetched.len() + other.fetched.len(), 1);
    assert_eq!(one.present.len() + other.present.len(), 1);
    assert_eq!(waits.0.load(Ordering::SeqCst), 1);
    setting.requested(&[None]);
}

#[tokio::test]
async fn progress_is_told() {
    #[derive(Default)]
    struct Log(Mutex<Vec<String>>);
    impl Log {
        fn add(&self, line: String) {
            self.0.lock().unwrap().push(line);
        }
    }
    impl Progress for Log {
        fn started(&self, entry: &Entry, already: u64) {
            self.add(format!("started {} at {already}", entry.name));
        }
        fn advanced(&self, _: &Entry, done: u64) {
            self.add(format!("at {done}"));
        }
        fn retrying(&self, _: &Entry, reason: &Error, wait: Duration) {
            assert!(matches!(reason, Error::Http { status: 500, .. }));
            self.add(format!("again after {wait:?}"));
        }
        fn finished(&self, entry: &Entry) {
            self.add(format!("finished {}", entry.name));
        }
    }
    let replies = [Reply::new("500 Oops", b""), Reply::rest(20, &CONTENT[20..])];
    let setting = Setting::new(replies).await;
    setting.lay_part(&CONTENT[..20]);
    let log = Log::default();
    setting.downloader().fetch(&[&entry()], &log).await.unwrap();
    let lines = log.0.into_inner().unwrap();
    assert_eq!(lines, ["started file at 20", "again after 1ms", "at 20", "at 36", "finished file"]);
}

fn lay(mirror: &Path, entry: &Entry, content: &[u8]) {
    let path = mirror.join(entry.location());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Fetches from a mirror; the error, if there is one, must leave nothing behind.
async fn from_mirror(mirror: &Path) -> Result<Outcome, Error> {
    let folder = tempfile::tempdir().unwrap();
    let target = raw_path(folder.path(), &entry());
    let result = Downloader::new(folder.path()).mirror(mirror).fetch(&[&entry()], &()).await;
    match &result {
        Ok(_) => assert_eq!(fs::read(&target).unwrap(), CONTENT),
        Err(error) => {
            assert!(!target.exists(), "{error}");
            assert!(!part_path(&target).exists(), "{error}");
        }
    }
    result
}

#[tokio::test]
async fn a_mirror_stands_for_the_network() {
    let mirror = tempfile::tempdir().unwrap();
    lay(mirror.path(), &entry(), CONTENT);
    assert_eq!(from_mirror(mirror.path()).await.unwrap().fetched, ["file"]);
}

#[tokio::test]
async fn a_mirror_is_checked_like_the_network() {
    let mirror = tempfile::tempdir().unwrap();
    let error = from_mirror(mirror.path()).await.unwrap_err();
    assert!(matches!(&error, Error::NotInMirror { .. }), "{error}");
    assert!(error.to_string().contains("https://host.example/folder/file.bin"), "{error}");

    lay(mirror.path(), &entry(), &CONTENT[..30]);
    let error = from_mirror(mirror.path()).await.unwrap_err();
    assert!(matches!(error, Error::Size { expected: 36, got: 30, .. }), "{error}");

    let mut flipped = CONTENT.to_vec();
    flipped[0] ^= 1;
    lay(mirror.path(), &entry(), &flipped);
    let error = from_mirror(mirror.path()).await.unwrap_err();
    let name = mirror.path().display().to_string();
    assert!(matches!(&error, Error::Checksum { from, .. } if from.starts_with(&name)), "{error}");
}

/// Permissions do not stop every user; a folder in the file's place does.
#[tokio::test]
async fn an_unreadable_mirror_is_named() {
    let mirror = tempfile::tempdir().unwrap();
    let path = mirror.path().join(entry().location());
    fs::create_dir_all(&path).unwrap();
    let error = from_mirror(mirror.path()).await.unwrap_err();
    assert!(matches!(&error, Error::Io { path: p, .. } if *p == path), "{error}");

    let file = mirror.path().join("mirror-is-a-file");
    fs::write(&file, "").unwrap();
    let error = from_mirror(&file).await.unwrap_err();
    assert!(matches!(&error, Error::Io { .. }), "{error}");
}
