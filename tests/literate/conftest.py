"""Reading texts needs no curriculum; helpers stand in the tests."""
