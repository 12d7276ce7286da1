//! The parts of a job, as an engine works on them: those that wait, those under way, and what becomes
//! of each. Parts may be added at any time.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use super::{Engine, EngineArguments, Kind, log};
use crate::{failure::Failure, terminal::note};

/// Time between two questions to a scheduler, and between two looks for results; where nothing changes,
/// a scheduler is asked less and less often, up to the longest pause.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Time between two looks at processes of this machine.
const GLANCE: Duration = Duration::from_millis(100);

/// How long a scheduler may fail before the command ends.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long the result of a part that ended may be invisible on a shared disk.
const LATE: Duration = Duration::from_secs(30);

/// What became of a part.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its result is there.
    Done(usize),
    /// It was started so often, and lost each time.
    Lost { part: usize, times: usize },
}

/// The parts of a job, as an engine works on them.
pub struct Drive {
    engine: Box<dyn Engine>,
    job: PathBuf,
    /// Whether the result of a part is there.
    is_done: Box<dyn Fn(usize) -> bool>,
    stop: Arc<AtomicBool>,
    /// How often a lost part is started again.
    retries: usize,
    waiting: VecDeque<usize>,
    under_way: Vec<usize>,
    /// How often each part was started that has not ended.
    started: BTreeMap<usize, usize>,
    /// Whether any part ever was.
    has_worked: bool,
    /// Since when parts have ended without a result.
    ended: BTreeMap<usize, Instant>,
    /// Since when the engine has failed.
    failing: Option<Instant>,
    /// When something last changed, and when the engine was last asked.
    changed: Instant,
    asked: Instant,
    late: Duration,
    patience: Duration,
}

impl Drive {
    /// The parts of the job in a folder, none yet. `stop` ends the work.
    pub fn new(
        arguments: &EngineArguments,
        kind: Kind,
        job: &Path,
        is_done: impl Fn(usize) -> bool + 'static,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        let engine = arguments.open(kind, job)?;
        Ok(Self::of(engine, job, arguments.retries(), is_done, stop))
    }

    fn of(
        engine: Box<dyn Engine>,
        job: &Path,
        retries: usize,
        is_done: impl Fn(usize) -> bool + 'static,
        stop: &Arc<AtomicBool>,
    ) -> Self {
        let late = if engine.is_scheduler() { LATE } else { PAUSE };
        Self {
            engine,
            job: job.to_path_buf(),
            is_done: Box::new(is_done),
            stop: Arc::clone(stop),
            retries,
            waiting: VecDeque::new(),
            under_way: Vec::new(),
            started: BTreeMap::new(),
            has_worked: false,
            ended: BTreeMap::new(),
            failing: None,
            changed: Instant::now(),
            asked: Instant::now(),
            late,
            patience: PATIENCE,
        }
    }

    /// Adds a part, which is started once the engine takes it.
    pub fn add(&mut self, part: usize) {
        self.waiting.push_back(part);
    }

    /// How many parts are under way.
    #[cfg(feature = "torch")]
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Whether what is under way goes on when this command fails.
    pub fn goes_on(&self) -> bool {
        self.has_worked && self.engine.is_scheduler() && !self.is_stopped()
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Starts as many parts as the engine takes.
    pub fn start(&mut self) -> Result<(), Failure> {
        let room = self.engine.room().min(self.waiting.len());
        if room == 0 {
            return Ok(());
        }
        let now: Vec<usize> = self.waiting.drain(..room).collect();
        match self.engine.start(&now) {
            Ok(()) => {
                for part in &now {
                    *self.started.entry(*part).or_default() += 1;
                }
                self.under_way.extend(now);
                self.has_worked = true;
                self.changed = Instant::now();
                Ok(())
            }
            // What never worked is a mistake; what worked may come back.
            Err(failure) if !self.has_worked => Err(failure),
            Err(failure) => {
                now.into_iter().rev().for_each(|part| self.waiting.push_front(part));
                self.bear(failure)
            }
        }
    }

    /// Starts what waits, waits for a while, and returns the parts that have ended: at once where
    /// results appear, and none once the work is stopped.
    pub fn step(&mut self) -> Result<Vec<Ended>, Failure> {
        self.start()?;
        let (tick, pause) = if self.engine.is_scheduler() {
            (PAUSE, (PAUSE + self.changed.elapsed() / 10).min(LONGEST_PAUSE))
        } else {
            (GLANCE, GLANCE)
        };
        let until = self.asked + pause;
        loop {
            // A scheduler may list a job long after its end.
            let ended = if self.engine.is_scheduler() { self.take_done() } else { Vec::new() };
            if !ended.is_empty() || self.is_stopped() {
                return Ok(ended);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return self.look();
            }
            sleep(tick.min(left));
        }
    }

    /// Takes the parts under way whose results are there.
    fn take_done(&mut self) -> Vec<Ended> {
        let done = self.under_way.extract_if(.., |part| (self.is_done)(*part));
        let done: Vec<usize> = done.collect();
        for part in &done {
            self.forget(*part);
        }
        done.into_iter().map(Ended::Done).collect()
    }

    /// A part has ended.
    fn forget(&mut self, part: usize) {
        self.started.remove(&part);
        self.ended.remove(&part);
        self.changed = Instant::now();
        self.failing = None;
    }

    /// Asks the engine which parts have ended.
    fn look(&mut self) -> Result<Vec<Ended>, Failure> {
        self.asked = Instant::now();
        let open = match self.engine.open() {
            Ok(open) => open,
            Err(failure) => return self.bear(failure).map(|()| Vec::new()),
        };
        // Where it takes no more parts, it still fails.
        if self.waiting.is_empty() {
            self.failing = None;
        }
        let (open, closed): (Vec<usize>, Vec<usize>) =
            std::mem::take(&mut self.under_way).into_iter().partition(|part| open.contains(part));
        for part in &open {
            self.ended.remove(part);
        }
        self.under_way = closed;
        let mut ended = self.take_done();
        for part in std::mem::replace(&mut self.under_way, open) {
            ended.extend(self.without_result(part));
        }
        Ok(ended)
    }

    /// A part that has ended: its result may come, or it is lost.
    fn without_result(&mut self, part: usize) -> Option<Ended> {
        // On a shared disk a result may be seen later than its worker's end.
        let since = *self.ended.entry(part).or_insert_with(Instant::now);
        if since.elapsed() < self.late {
            self.under_way.push(part);
            return None;
        }
        self.ended.remove(&part);
        self.changed = Instant::now();
        let times = self.started[&part];
        if times > self.retries {
            self.forget(part);
            return Some(Ended::Lost { part, times });
        }
        note(&format!("shard {part} was lost and is started again"));
        self.waiting.push_front(part);
        None
    }

    /// Bears with a scheduler that fails, for a while.
    fn bear(&mut self, failure: Failure) -> Result<(), Failure> {
        if !self.engine.is_scheduler() {
            return Err(failure);
        }
        let since = *self.failing.get_or_insert_with(|| {
            note(&format!(
                "{failure}\nit is asked again for up to {} minutes; what is under way goes on",
                PATIENCE.as_secs() / 60
            ));
            Instant::now()
        });
        if since.elapsed() < self.patience { Ok(()) } else { Err(failure) }
    }

    /// The file with the messages of a part's workers.
    pub fn log(&self, part: usize) -> PathBuf {
        log(&self.job, part)
    }
}

impl Drop for Drive {
    /// Ends what is under way where the user stopped the work, or where it ends with this command.
    fn drop(&mut self) {
        if !self.under_way.is_empty() && (self.is_stopped() || !self.engine.is_scheduler()) {
            self.engine.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        collections::BTreeSet,
        rc::Rc,
    };

    use proptest::prelude::*;

    use super::*;

    /// What a test and its engine share.
    #[derive(Default)]
    struct World {
        /// Parts that wait or run, in the order of their start, and all starts.
        open: RefCell<Vec<usize>>,
        starts: RefCell<Vec<usize>>,
        results: RefCell<BTreeSet<usize>>,
        fails: Cell<bool>,
        was_ended: Cell<bool>,
    }

    impl World {
        /// The worker of a part ends, with its result or without.
        fn end(&self, part: usize, has_result: bool) {
            self.open.borrow_mut().retain(|open| *open != part);
            if has_result {
                self.results.borrow_mut().insert(part);
            }
        }
    }

    struct Fake {
        world: Rc<World>,
        room: usize,
        is_scheduler: bool,
    }

    impl Engine for Fake {
        fn room(&self) -> usize {
            self.room - self.world.open.borrow().len()
        }

        fn start(&mut self, parts: &[usize]) -> Result<(), Failure> {
            if self.world.fails.get() {
                return Err(Failure::work("no answer"));
            }
            self.world.open.borrow_mut().extend(parts);
            self.world.starts.borrow_mut().extend(parts);
            Ok(())
        }

        fn open(&mut self) -> Result<Vec<usize>, Failure> {
            if self.world.fails.get() {
                return Err(Failure::work("no answer"));
            }
            Ok(self.world.open.borrow().clone())
        }

        fn end(&mut self) {
            self.world.was_ended.set(true);
        }

        fn is_scheduler(&self) -> bool {
            self.is_scheduler
        }
    }

    fn drive(
        room: usize,
        is_scheduler: bool,
        retries: usize,
    ) -> (Rc<World>, Drive, Arc<AtomicBool>) {
        let (world, stop) = (Rc::new(World::default()), Arc::new(AtomicBool::new(false)));
        let engine = Box::new(Fake { world: Rc::clone(&world), room, is_scheduler });
        let results = Rc::clone(&world);
        let is_done = move |part| results.results.borrow().contains(&part);
        let mut drive = Drive::of(engine, Path::new("job"), retries, is_done, &stop);
        drive.late = Duration::ZERO;
        // It is asked at once.
        drive.asked = Instant::now().checked_sub(LONGEST_PAUSE).unwrap();
        (world, drive, stop)
    }

    /// A step that does not wait.
    fn step(drive: &mut Drive) -> Result<Vec<Ended>, Failure> {
        drive.asked = Instant::now().checked_sub(LONGEST_PAUSE).unwrap();
        drive.step()
    }

    proptest! {
        /// Whatever happens to workers, and whenever parts are added: each part ends once, with its result or
        /// after as many starts as are allowed, and no part is under way twice.
        #[test]
        fn each_part_ends_once(
            room in 1..4_usize,
            is_scheduler: bool,
            retries in 0..3_usize,
            fates in proptest::collection::vec((0..3_usize, any::<bool>(), any::<bool>()), 0..60),
        ) {
            let (world, mut drive, _) = drive(room, is_scheduler, retries);
            let (mut added, mut ended) = (0, Vec::new());
            for (which, has_result, adds) in fates {
                if adds {
                    added += 1;
                    drive.add(added);
                }
                ended.extend(step(&mut drive).unwrap());
                let open = world.open.borrow().clone();
                prop_assert!(open.len() <= room);
                prop_assert_eq!(open.iter().collect::<BTreeSet<_>>().len(), open.len());
                if let Some(part) = open.get(which) {
                    world.end(*part, has_result);
                }
            }
            while ended.len() < added {
                ended.extend(step(&mut drive).unwrap());
                let open = world.open.borrow().clone();
                for part in open {
                    world.end(part, true);
                }
            }
            let mut parts = Vec::new();
            for one in ended {
                let starts = |part| world.starts.borrow().iter().filter(|one| **one == part).count();
                match one {
                    Ended::Done(part) => {
                        prop_assert!(world.results.borrow().contains(&part));
                        prop_assert!(starts(part) <= retries + 1);
                        parts.push(part);
                    }
                    Ended::Lost { part, times } => {
                        prop_assert!(!world.results.borrow().contains(&part));
                        prop_assert_eq!((times, starts(part)), (retries + 1, retries + 1));
                        parts.push(part);
                    }
                }
            }
            parts.sort_unstable();
            prop_assert_eq!(parts, (1..=added).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_result_that_a_shared_disk_shows_late_counts() {
        let (world, mut drive, _) = drive(1, true, 0);
        drive.late = Duration::from_secs(60);
        drive.add(1);
        assert_eq!(step(&mut drive).unwrap(), []);
        world.end(1, false);
        assert_eq!(step(&mut drive).unwrap(), []);
        world.results.borrow_mut().insert(1);
        assert_eq!(step(&mut drive).unwrap(), [Ended::Done(1)]);
        assert_eq!(*world.starts.borrow(), [1]);
    }

    #[test]
    fn a_scheduler_that_fails_is_borne_with_for_a_while_but_not_at_the_start() {
        let (world, mut drive, _) = drive(2, true, 0);
        world.fails.set(true);
        drive.add(1);
        assert!(drive.start().is_err());
        let (world, mut drive, _) = self::drive(2, true, 0);
        drive.add(1);
        drive.start().unwrap();
        world.fails.set(true);
        drive.add(2);
        assert_eq!(step(&mut drive).unwrap(), []);
        assert!(drive.goes_on());
        world.results.borrow_mut().insert(1);
        assert_eq!(step(&mut drive).unwrap(), [Ended::Done(1)]);
        drive.patience = Duration::ZERO;
        assert!(step(&mut drive).is_err());
        // Processes of this machine do not fail for a while.
        let (world, mut drive, _) = self::drive(2, false, 0);
        drive.add(1);
        drive.start().unwrap();
        world.fails.set(true);
        assert!(step(&mut drive).is_err());
    }

    #[test]
    fn what_is_under_way_ends_where_the_user_stops_or_nobody_else_keeps_it() {
        for (is_scheduler, stops, ends) in
            [(true, false, false), (true, true, true), (false, false, true), (false, true, true)]
        {
            let (world, mut drive, stop) = drive(1, is_scheduler, 0);
            drive.add(1);
            drive.start().unwrap();
            stop.store(stops, Ordering::Relaxed);
            if stops {
                let begun = Instant::now();
                assert_eq!(drive.step().unwrap(), []);
                assert!(begun.elapsed() < Duration::from_secs(5));
            }
            drop(drive);
            assert_eq!(world.was_ended.get(), ends, "{is_scheduler} {stops}");
        }
    }
}
