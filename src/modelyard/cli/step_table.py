"""placeholder"""

STEP_COMMANDS = ()
