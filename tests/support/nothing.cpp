// test_headers is what it precompiles, and needs a source all the same.
