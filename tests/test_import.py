import subprocess
import sys


def run(code: str, **environment: str) -> str:
    import os

    env = {k: v for k, v in os.environ.items() if k not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")} | environment
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    ).stdout.strip()


def test_importing_brainlab_loads_no_gui_and_no_heavy_library():
    heavy = "ipywidgets IPython matplotlib nibabel nilearn scipy sklearn pandas"
    assert run(f"import sys, brainlab; print([m for m in '{heavy}'.split() if m in sys.modules])") == "[]"


def test_a_phantom_needs_no_network_library():
    network = "requests urllib3 pooch"
    code = (
        f"import sys; from brainlab.sources import phantom; print([m for m in '{network}'.split() if m in sys.modules])"
    )
    assert run(code) == "[]"


def test_importing_brainlab_first_makes_openmp_wait_quietly():
    assert run("import brainlab, os; print(os.environ['OMP_WAIT_POLICY'], os.environ['GOMP_SPINCOUNT'])") == "PASSIVE 0"


def test_a_policy_that_the_user_chose_is_left_alone():
    assert run("import brainlab, os; print(os.environ['OMP_WAIT_POLICY'])", OMP_WAIT_POLICY="ACTIVE") == "ACTIVE"
