import CommandLine
import JSON
import Storage
import TestSupport
import Testing
import Training

@Suite struct ReferenceCommandLineTests {
  private func read(_ line: String) throws -> [String] { try ReferenceCommandLine(line.split(separator: " ").map(String.init)).arguments }

  @Test func valueForms() throws {
    for (line, arguments) in [
      ("base --max_steps -1 --train a", "base --max-steps=-1 --train a"), ("base --warmup_steps=0.1", "base --warmup-steps=0.1"),
      ("--load_best_model_at_end True base", "--load-best-model-at-end base"), ("--load_best_model_at_end base", "--load-best-model-at-end base"),
      ("base --freeze-embeddings 1 --quiet", "base --freeze-embeddings --quiet"), ("base --gradient_checkpointing False", "base"),
      ("base --gradient-checkpointing --no_gradient_checkpointing", "base"), ("base --activation_checkpointing", "base --gradient-checkpointing"),
      ("base --overwrite_output_dir true", "base --overwrite-output-dir"), ("base --evaluation_strategy no", "base --eval-strategy=no"),
      ("base --seed", "base --seed"), ("base -- --seed 1 --fp16", "base -- --seed 1 --fp16"),
      ("--dataloader_num_workers 4 base --disable_tqdm --push_to_hub False --label_names a b --output_dir out", "base --output_dir out b"),
      ("base --label_names a b --output_dir out --optim adamw_torch --no_dataloader_pin_memory --fp16 no", "base --output_dir out"),
    ] {
      #expect(try Set(read(line)) == Set(arguments.split(separator: " ").map(String.init)), "\(line)")
    }
    #expect(try ReferenceCommandLine(["--disable_tqdm", "--log-level", "info", "--do_train"]).note == "changes nothing here: --disable-tqdm, --log-level, --do-train")
    #expect(try ReferenceCommandLine(["--seed", "1"]).note == nil)
    let places = try ReferenceCommandLine(["base", "--report_to", "tensorboard", "wandb", "--seed", "1"])
    #expect(places.arguments == ["base", "--report-to=tensorboard", "--seed=1"] && places.note == "changes nothing here: --report-to wandb")
    let none = try ReferenceCommandLine(["base", "--report_to", "wandb", "mlflow"])
    #expect(none.arguments == ["base"] && none.note == "changes nothing here: --report-to wandb, --report-to mlflow")
    for line in ["--fp16", "--fp16 true", "--deepspeed x.json", "--optim lion", "--lr 1", "--do_train false", "--disable_tqdm=perhaps"] {
      #expect(throws: (any Error).self, "\(line)") { _ = try read(line) }
    }
  }

  /// Every name of the reference library has an answer: an option, no effect, or a refusal.
  @Test func everyName() throws {
    let own = ["output_dir", "report_to", "resume_from_checkpoint", "do_train"]
    let fields = try #require(try fixtureJSON("training-arguments.json")["fields"]?.array).compactMap(\.string)
    #expect(fields.count > 100)
    for field in fields {
      let answers = [own.contains(field), TrainingArgument.named(field) != nil, ReferenceArgument.named(field) != nil]
      #expect(answers.count { $0 } == 1, "\(field): \(answers)")
    }
    let names = ReferenceArgument.all.map(\.name)
    #expect(Set(names).count == names.count)
    for row in ReferenceArgument.all where TrainingArgument.named(row.name) != nil { Issue.record("\(row.name) is an option") }
  }

  /// A script's command line as it is found, down to the model; what changes nothing is said in one line.
  @Test func aWholeCommandLine() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(24))
      let outcome = try martlet(
        "tune", fixture("tiny-bert-encoder"), "--train", data, "--validation", data, "--output_dir", workshop.path("out"), "--do_train", "--do_eval",
        "--max_steps", "-1", "--num_train_epochs", "2.0", "--per_device_train_batch_size", "8", "--per_device_eval_batch_size", "3",
        "--warmup_steps", "0.5", "--lr_scheduler_type", "polynomial", "--save_strategy", "epoch", "--eval_strategy", "epoch",
        "--logging_strategy", "epoch", "--load_best_model_at_end", "True", "--metric_for_best_model", "accuracy", "--greater_is_better", "True",
        "--report_to", "none", "--dataloader_num_workers", "2", "--seed", "1", "--data_seed", "2", "--full_determinism", "--overwrite_output_dir", "True",
        "--save_total_limit", "2", "--weight_decay", "0.0")
      try #require(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("changes nothing here: --do-train, --do-eval, --dataloader-num-workers, --full-determinism\n"))
      let names = try allNames(below: workshop.path("out"))
      #expect(!names.contains { $0.hasPrefix("runs/") }, "--report_to none")
      let arguments = try JSONValue(parsing: readFile(workshop.path("out/checkpoint-6/training_args.json")))
      #expect(arguments["max_steps"] == 0 && arguments["warmup_ratio"] == 0.5 && arguments["save_total_limit"] == 2 && arguments["data_seed"] == 2)
      #expect(arguments["save_strategy"] == "epoch" && arguments["load_best_model_at_end"] == true && arguments["lr_scheduler_type"] == "polynomial")
      let state = try JSONValue(parsing: readFile(workshop.path("out/trainer_state.json")))
      // Three steps of six warm up; with the reference's polynomial of power 1 the rate falls to 1e-7.
      let rates = state["log_history"]?.array?.compactMap { $0["learning_rate"]?.double } ?? []
      #expect(rates.count == 2 && abs(rates[0] - 2e-5 * 2 / 3) < 1e-12 && abs(rates[1] - (1e-7 + (2e-5 - 1e-7) / 3)) < 1e-12, "\(rates)")
    }
  }
}
