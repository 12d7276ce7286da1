//! The client against a scripted server on this machine.

mod budgets;
mod concurrency;
mod dialects;
mod failures;
mod forms;
mod politeness;
mod proxies;
mod replay;
mod secrets;
mod server;
mod servers;
