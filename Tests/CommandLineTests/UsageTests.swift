import TestSupport
import Testing

@Suite struct UsageTests {
  /// Each is refused as wrong usage before any file is looked at, and says which option.
  @Test func wrongUsage() throws {
    let tune = "tune base --train data --output-dir out "
    let cases: [(String, String)] = [
      ("frob", "frob"), ("classify", "<model>"), ("tune base --train data", "--output-dir"), ("tune base --output-dir out", "--train"),
      ("pack folder", "--output"), ("evaluate model", "--data"), ("classify model --frob", "--frob"),
      ("classify model --threads 0", "--threads"), ("classify model --threads 1025", "--threads"), ("classify model --threads x", "--threads"),
      ("classify model --threads 99999999999999999999", "--threads"), ("evaluate model --data d --threads 0", "--threads"),
      ("bench model --threads 0", "--threads"), (tune + "--threads 0", "--threads"), ("pack folder -o x --threads 0", "--threads"),
      ("classify model --format xml", "--format"), ("classify model --output xml", "--output"),
      ("classify model --batch-tokens 0", "--batch-tokens"), ("classify model --max-delay -1", "--max-delay"),
      ("classify model --max-delay=-1", "--max-delay"), ("classify model --max-length 2", "--max-length"),
      ("evaluate model --data d --max-length 2", "--max-length"), ("tokenize model --max-length 0", "--max-length"),
      ("classify model --window min", "--window"), ("classify model --stride 3", "--window"),
      ("classify model --window max --stride=-1", "--stride"), ("classify model --window mean --text-pair-field b", "--text-pair-field"),
      ("pack folder -o x --mapped --compact", "--compact"), ("pack folder -o x --weights int4", "--weights"),
      ("pack folder -o x --card fact", "--card"), ("bench model --lengths 8,x", "--lengths"), ("bench model --lengths ,", "--lengths"),
      ("bench model --batch 0", "--batch"), ("bench model --batch 1,9223372036854775807", "--batch"), ("bench model --seconds 0", "--seconds"),
      ("bench model --seconds inf", "--seconds"), (tune + "--learning-rate 0", "--learning-rate"),
      (tune + "--learning-rate nan", "--learning-rate"), (tune + "--num-train-epochs 0", "--num-train-epochs"),
      (tune + "--num-train-epochs inf", "--num-train-epochs"), (tune + "--num-train-epochs 1e30", "--num-train-epochs"),
      (tune + "--per-device-train-batch-size 0", "--per-device-train-batch-size"),
      (tune + "--per-device-train-batch-size 9223372036854775807", "--per-device-train-batch-size"),
      (tune + "--gradient-accumulation-steps 9223372036854775807", "--gradient-accumulation-steps"),
      (tune + "--max-steps 9223372036854775807", "--max-steps"), (tune + "--max-steps=-2", "--max-steps"),
      (tune + "--max-steps 1.5", "--max-steps"), (tune + "--eval-steps 0", "--eval-steps"), (tune + "--warmup-steps x", "--warmup-steps"),
      (tune + "--load-best-model-at-end=maybe", "--load-best-model-at-end"), (tune + "--save-strategy best", "--save-strategy best"),
      (tune + "--report_to paper", "--report-to: expected tensorboard, all or none, found paper"), (tune + "--report_to wandb paper", "found paper"),
      (tune + "--optim adafactor", "--optim adafactor is not offered"), (tune + "--fp16", "--fp16 is not offered"),
      (tune + "--bf16 True", "--bf16 is not offered"), (tune + "--deepspeed ds.json", "--deepspeed ds.json is not offered"),
      (tune + "--lr 1e-5", "write --learning-rate"), (tune + "--epochs=2", "write --num-train-epochs"), (tune + "--do_train False", "--do-train"),
      (tune + "--seed 4294967296", "--seed"), (tune + "--seed=-1", "--seed"), (tune + "--max-length 2", "--max-length"),
      (tune + "--logging-steps 0", "--logging-steps"), (tune + "--save-steps=-1", "--save-steps"),
      (tune + "--eval-strategy often", "--eval-strategy"), (tune + "--lr-scheduler-type frob", "lr-scheduler-type"),
      (tune + "--class-weights 1,x", "--class-weights"), (tune + "--class-weights 1,-1", "class-weights"), (tune + "--dropout 0.5", "--dropout"),
      (tune + "--label-smoothing-factor 1", "--label-smoothing-factor"),
      (tune + "--weight-decay=-1", "--weight-decay"), (tune + "--adam-beta1 1", "--adam-beta1"), (tune + "--warmup-ratio 1", "--warmup-ratio"),
      (tune + "--save-total-limit=-1", "--save-total-limit"), (tune + "--max-grad-norm nan", "--max-grad-norm"),
      (tune + "--load-best-model-at-end", "--validation"),
      (tune + "--early-stopping-patience 2 --validation d --eval-strategy no", "--early-stopping-patience"),
    ]
    for (line, says) in cases {
      let outcome = try martlet(line.split(separator: " ").map(String.init))
      #expect(outcome.status == 64 && outcome.output.isEmpty, "\(line): \(outcome.status) \(outcome.errors)")
      #expect(outcome.errors.contains(says), "\(line): \(outcome.errors)")
    }
    try withWorkshop { workshop in
      // What only the model can tell.
      for line in ["classify \(workshop.bundle) --window mean --stride 62", "bench \(workshop.bundle) --lengths 65"] {
        let outcome = try martlet(line.split(separator: " ").map(String.init))
        #expect(outcome.status == 64 && outcome.output.isEmpty, "\(line): \(outcome.errors)")
      }
    }
  }

  /// What the interface promises is in the help, and every option has a line of its own that says what it does.
  @Test func help() throws {
    let promised = [
      "": "tune evaluate pack classify tokenize inspect bench",
      "tune": """
        --train --validation --output-dir --output_dir --text-field --label-field --text-pair-field --learning-rate --learning_rate
        --per-device-train-batch-size --num-train-epochs --weight-decay --eval-strategy --evaluation-strategy --evaluation_strategy
        --save-steps --save-strategy --save_strategy --per-device-eval-batch-size --report-to --logging-strategy --greater-is-better
        --logging-steps --seed --max-length --logging-dir --max-steps --warmup-steps --warmup-ratio --lr-scheduler-type
        --max-grad-norm --gradient-accumulation-steps --adam-beta1 --adam-beta2 --adam-epsilon --label-smoothing-factor
        --class-weights --load-best-model-at-end --metric-for-best-model --early-stopping-patience --save-total-limit
        --resume-from-checkpoint --dropout --threads --quiet --json
        """,
      "evaluate": "--data --json --text-field --label-field --text-pair-field --max-length --threads --skip-checksums",
      "pack": "-o --output --mapped --compact --weights --validation --carry-source --card --json --threads",
      "classify": """
        --format --text-field --output --echo --all-scores --logits --batch-tokens --max-delay --line-buffered --max-length --window
        --stride --summary --strict --threads
        """,
      "tokenize": "--max-length", "inspect": "--json", "bench": "--lengths --batch --seconds --json --threads",
    ]
    for (command, options) in promised {
      let outcome = try martlet((command.isEmpty ? [] : [command]) + ["--help"])
      #expect(outcome.status == 0 && outcome.errors.isEmpty)
      let words = Set(outcome.text.split { " ,\n".contains($0) }.map(String.init))
      for option in options.split(whereSeparator: { " \n".contains($0) }) { #expect(words.contains(String(option)), "\(command) \(option)") }
      let lines = outcome.lines
      for (index, line) in lines.enumerated() where line.hasPrefix("  -") || line.hasPrefix("  <") {
        let isExplained = line.dropFirst(2).contains("  ") || lines[index + 1].hasPrefix(String(repeating: " ", count: 20))
        #expect(isExplained, "\(command): \(line)")
      }
    }
    #expect(try martlet("--version").lines.count == 1)
  }
}
