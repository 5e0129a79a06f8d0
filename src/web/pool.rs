//! The threads that render: one bounded pool for the whole process.
//!
//! Each actix-web worker would bring a blocking pool of its own (ten busy shares: hundreds of threads).
//! Work beyond the queue is refused, so that a flood of readers costs them, not the daemon.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

/// Jobs that may wait for a thread.
const QUEUE: usize = 256;

/// Why a job gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// Too many are waiting.
    #[error("too much is being rendered at the moment")]
    Busy,
    /// It panicked.
    #[error("rendering failed")]
    Panicked,
}

/// The pool.
#[derive(Clone)]
pub struct Pool {
    threads: Arc<rayon::ThreadPool>,
    /// One thread of low priority for what nobody waits for.
    behind: Arc<rayon::ThreadPool>,
    room: Arc<Semaphore>,
}

/// Niceness of the thread for what nobody waits for, on top of the process's own.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

impl Pool {
    /// A pool of `threads` threads.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn new(threads: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let build = |name: &'static str, threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(move |n| format!("{name}-{n}"))
                .panic_handler(|_| tracing::error!("a job of the render pool panicked"))
        };
        let behind = build("behind", 1).start_handler(|_| be_nice());
        Ok(Self {
            threads: Arc::new(build("render", threads).build()?),
            behind: Arc::new(behind.build()?),
            room: Arc::new(Semaphore::new(QUEUE)),
        })
    }

    /// Runs `job` on a thread of the pool.
    ///
    /// # Errors
    /// [`PoolError`].
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let permit = self.room.clone().try_acquire_owned().map_err(|_| PoolError::Busy)?;
        run_on(&self.threads, move || {
            let _place = permit;
            job()
        })
        .await
    }

    /// Runs `job` when nobody who waits needs the processor: reading on in a session, copying it. One at a
    /// time, in the order of the calls; long work comes in pieces.
    ///
    /// # Errors
    /// [`PoolError::Panicked`].
    pub async fn run_behind<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        run_on(&self.behind, job).await
    }
}

async fn run_on<T: Send + 'static>(
    threads: &rayon::ThreadPool,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PoolError> {
    let (tell, result) = oneshot::channel();
    threads.spawn_fifo(move || {
        if let Ok(result) = catch_unwind(AssertUnwindSafe(job)) {
            // A reader that went away is not interested any more.
            let _ = tell.send(result);
        }
    });
    result.await.map_err(|_| PoolError::Panicked)
}

/// On Linux, the priority of process 0 is that of the calling thread (setpriority(2), "C library/kernel
/// differences"). Elsewhere it would be the whole process's, so it stays.
fn be_nice() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "the priority of the thread behind stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[actix_web::test]
    async fn a_panic_costs_one_job_only() {
        let pool = Pool::new(1).unwrap();
        assert_eq!(pool.run(|| panic!("on purpose")).await, Err::<(), _>(PoolError::Panicked));
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }

    #[actix_web::test]
    async fn work_beyond_the_queue_is_refused() {
        let pool = Pool::new(1).unwrap();
        let (release, gate) = mpsc::channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        let gate = Arc::new(gate);
        let jobs: Vec<_> = (0..QUEUE)
            .map(|_| {
                let (pool, gate) = (pool.clone(), gate.clone());
                actix_web::rt::spawn(async move {
                    pool.run(move || gate.lock().unwrap_or_else(|e| e.into_inner()).recv()).await
                })
            })
            .collect();
        while pool.room.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.run(|| ()).await, Err(PoolError::Busy));
        drop(release);
        for job in jobs {
            assert!(job.await.unwrap().is_ok());
        }
        assert_eq!(pool.run(|| ()).await, Ok(()));
    }
}
