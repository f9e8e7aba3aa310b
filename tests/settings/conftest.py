"""How hypothesis is used here."""

import hypothesis

# On a busy machine the same example takes a millisecond or a second.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")
