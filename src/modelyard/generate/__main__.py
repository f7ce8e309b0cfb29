"""``python -m modelyard.generate --write | --check``."""

import sys

from modelyard.generate.write import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
