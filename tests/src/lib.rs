//! What every end-to-end test needs: where the benchmark files are, and the program.
