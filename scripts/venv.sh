# Sourced by the scripts beside it: the virtual environment, and splatzip installed in it as a wheel.
# SPLATZIP_VENV moves the environment elsewhere, e.g. to keep an editable install in .venv untouched.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
VENV="$(realpath --canonicalize-missing "${SPLATZIP_VENV:-.venv}")"
export PIP_DISABLE_PIP_VERSION_CHECK=1

ensure_venv() {
  if [ -x "$VENV/bin/pip" ]; then return; fi
  echo "Making $VENV"
  # Debian keeps ensurepip in a package of its own; without it the system's pip installs pip.
  python3 -m venv "$VENV" 2>/dev/null || {
    python3 -m venv --clear --without-pip "$VENV"
    python3 -m pip -qq --python "$VENV/bin/python" install pip
  }
}

# install_wheel [EXTRA]: build the wheel (only what changed is compiled again) and install it, never editable.
# With nvcc, GENCODE says for which GPUs, as nvcc has it, as long as the build folder stays.
install_wheel() {
  local tools=("nanobind" "ninja" "scikit-build-core")
  command -v cmake >/dev/null || tools+=("cmake")
  ensure_venv
  echo "Building and installing splatzip${1:+ with the $1 extra} into $VENV: minutes the first time"
  "$VENV/bin/pip" install -qq --constraint constraints.txt "${tools[@]}"
  # pip unpacks what splatzip depends on with one processor: in a new environment while the core compiles, by way of
  # splatzip without its core.
  local dependencies= built=0
  if [ ! -e "$VENV/bin/splatzip" ]; then
    "$VENV/bin/pip" install -qq --constraint constraints.txt --no-build-isolation \
      --config-settings=wheel.cmake=false ".${1:+[$1]}" &
    dependencies=$!
  fi
  rm -rf build/wheels
  PATH="$VENV/bin:$PATH" "$VENV/bin/pip" wheel -qq --no-deps --no-build-isolation --wheel-dir build/wheels \
    ${GENCODE:+--config-settings=cmake.define.CMAKE_CUDA_ARCHITECTURES=OFF} \
    ${GENCODE:+--config-settings=cmake.define.CMAKE_CUDA_FLAGS="$GENCODE"} . ||
    built=$?
  if [ -n "$dependencies" ]; then
    wait "$dependencies" || built=$?
    "$VENV/bin/pip" uninstall -qq -y splatzip # or a failed build leaves one that cannot be imported
  fi
  if [ $built != 0 ]; then return $built; fi
  local wheel
  wheel="$(echo build/wheels/splatzip-*.whl)"
  # First what it depends on, then the wheel itself even where the same version is installed already.
  "$VENV/bin/pip" install -qq --constraint constraints.txt "$wheel${1:+[$1]}"
  "$VENV/bin/pip" install -qq --no-deps --force-reinstall "$wheel"
}
