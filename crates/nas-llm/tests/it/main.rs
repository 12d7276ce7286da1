//! The client against a scripted server on this machine.

mod budgets;
mod concurrency;
mod dialects;
mod failures;
mod replay;
mod secrets;
mod server;
