"""Functions of a user's own, as the tests of the trainer have them."""

from tests.unit.training.conftest import user_functions as user_functions
