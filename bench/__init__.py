"""The benchmarks: speeds as ratios inside one run, against the plainest code that does the same work."""
