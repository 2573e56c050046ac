/// An argument of the reference library's `TrainingArguments` (or of its example scripts) that `tune` has no option for.
package struct ReferenceArgument: Sendable {
  package enum Answer: Sendable {
    /// Taken: no result here depends on it.
    case changesNothing
    /// Refused, with what to write instead, unless it is turned off.
    case refused(String)
  }

  enum Form: Sendable {
    /// True or false, or nothing for true.
    case flag
    case value
    /// One value or more.
    case list
  }

  /// With underscores.
  package let name: String
  let form: Form
  package let answer: Answer
  /// The values with which a refused one asks for what happens anyway, besides `off`.
  let neutral: [String]

  /// How all of them are turned off.
  static let off = ["false", "no", "none", "null", "f", "n", "0", ""]

  /// Where the reference library can report curves to besides TensorBoard.
  static let integrations = [
    "azure_ml", "comet_ml", "mlflow", "neptune", "trackio", "wandb", "codecarbon", "clearml", "dagshub", "flyte", "dvclive", "swanlab", "kubeflow",
  ]

  package static func named(_ name: String) -> ReferenceArgument? { all.first { $0.name == name } }
}

extension ReferenceArgument {
  package static let all: [ReferenceArgument] = takenRows + refusedRows

  private static func taken(_ form: Form, _ names: String) -> [ReferenceArgument] {
    names.split(whereSeparator: \.isWhitespace).map { ReferenceArgument(name: String($0), form: form, answer: .changesNothing, neutral: []) }
  }

  private static func refused(_ name: String, _ instead: String) -> ReferenceArgument { refused(name, .flag, instead) }

  private static func refused(_ name: String, _ form: Form, neutral: [String] = [], _ instead: String) -> ReferenceArgument {
    ReferenceArgument(name: name, form: form, answer: .refused(instead), neutral: neutral)
  }

  /// Names of transformers 5.24, then older ones.
  private static let takenRows: [ReferenceArgument] =
    taken(
      .flag,
      """
      average_tokens_across_devices use_cache auto_find_batch_size log_on_each_node logging_nan_inf_filter disable_tqdm
      prediction_loss_only eval_do_concat_batches eval_use_gather_object batch_eval_metrics save_only_model save_on_each_node
      enable_jit_checkpoint hub_private_repo hub_always_push restore_callback_states_from_checkpoint full_determinism use_cpu
      dataloader_pin_memory dataloader_persistent_workers dataloader_in_order remove_unused_columns ddp_find_unused_parameters
      ddp_broadcast_buffers ddp_static_graph skip_memory_metrics do_eval
      no_cuda use_mps_device use_ipex save_safetensors include_tokens_per_second include_inputs_for_metrics
      use_legacy_prediction_loop overwrite_cache trust_remote_code use_fast_tokenizer ignore_mismatched_sizes pad_to_max_length
      """)
    + taken(
      .value,
      """
      activation_checkpointing_kwargs gradient_checkpointing_kwargs torch_empty_cache_steps include_num_input_tokens_seen log_level
      log_level_replica run_name project trackio_space_id trackio_bucket_id trackio_static_space_id eval_accumulation_steps hub_token
      hub_model_id hub_strategy hub_revision dataloader_num_workers dataloader_prefetch_factor dataloader_multiprocessing_context
      length_column_name ddp_bucket_cap_mb ddp_timeout
      ray_scope past_index push_to_hub_model_id push_to_hub_organization push_to_hub_token cache_dir preprocessing_num_workers
      """)
    + taken(.list, "include_for_metrics label_names debug")

  private static let fp32 = "training is in fp32; leave it out"
  private static let oneMachine = "training runs on one machine; leave it out"

  private static let refusedRows: [ReferenceArgument] = [
    refused("optim", .value, neutral: ["adamw_torch", "adamw_torch_fused"], "the optimizer is AdamW; leave it out, or write --optim adamw_torch"),
    refused("optim_args", .value, "write --adam-beta1, --adam-beta2, --adam-epsilon and --weight-decay"),
    refused("optim_target_modules", .list, "AdamW trains every parameter; leave it out"),
    refused("adafactor", "the optimizer is AdamW; leave it out"),
    refused("bf16", fp32), refused("fp16", fp32), refused("bf16_full_eval", fp32), refused("fp16_full_eval", fp32),
    refused("tf32", fp32), refused("fp16_opt_level", .value, fp32), refused("fp16_backend", .value, neutral: ["auto"], fp32),
    refused("half_precision_backend", .value, neutral: ["auto"], fp32),
    refused("torch_compile", "there is nothing to compile; leave it out"),
    refused("torch_compile_backend", .value, "there is nothing to compile; leave it out"),
    refused("torch_compile_mode", .value, "there is nothing to compile; leave it out"),
    refused("torchdynamo", .value, "there is nothing to compile; leave it out"),
    refused("jit_mode_eval", "there is nothing to compile; leave it out"),
    refused("use_liger_kernel", "the kernels are Martlet's own; leave it out"),
    refused("liger_kernel_config", .value, "the kernels are Martlet's own; leave it out"),
    refused("neftune_noise_alpha", .value, "embeddings get no noise; leave it out"),
    refused("eval_on_start", "write martlet evaluate, for a base that has a head"),
    refused("push_to_hub", "leave it out, and upload the output folder afterwards (huggingface-cli upload)"),
    refused("ignore_data_skip", "a resumed run goes on at the text where it stopped; leave it out"),
    refused("dataloader_drop_last", "the last batch of an epoch is trained on too; leave it out"),
    refused("train_sampling_strategy", .value, neutral: ["random"], "the order is random, from --data-seed; leave it out"),
    refused("group_by_length", "there is no padding to save; leave it out"),
    refused("accelerator_config", .value, oneMachine), refused("parallelism_config", .value, oneMachine),
    refused("local_rank", .value, neutral: ["-1"], oneMachine), refused("ddp_backend", .value, oneMachine),
    refused("fsdp", .value, oneMachine), refused("fsdp_config", .value, oneMachine), refused("deepspeed", .value, oneMachine),
    refused("fsdp_min_num_params", .value, oneMachine), refused("fsdp_transformer_layer_cls_to_wrap", .value, oneMachine),
    refused("sharded_ddp", .value, oneMachine), refused("mp_parameters", .value, oneMachine), refused("xpu_backend", .value, oneMachine),
    refused("tpu_num_cores", .value, oneMachine), refused("split_batches", oneMachine), refused("dispatch_batches", oneMachine),
    refused("do_predict", "write martlet classify, once the model is tuned"),
    // Of scripts, and what people write for short.
    refused("model_name_or_path", .value, "write the base as the first argument: martlet tune BASE"),
    refused("tokenizer_name", .value, "the tokenizer is the base's; leave it out"),
    refused("config_name", .value, "the configuration is the base's; leave it out"),
    refused("train_file", .value, "write --train"), refused("validation_file", .value, "write --validation"),
    refused("test_file", .value, "write martlet evaluate, once the model is tuned"),
    refused("task_name", .value, "write --train and --validation with files of that task"),
    refused("dataset_name", .value, "write --train and --validation with files of that data set"),
    refused("text_column_name", .value, "write --text-field"), refused("text_column_names", .value, "write --text-field"),
    refused("label_column_name", .value, "write --label-field"), refused("max_train_samples", .value, "write --train with a shorter file"),
    refused("lr", .value, "write --learning-rate"), refused("epochs", .value, "write --num-train-epochs"),
    refused("num_epochs", .value, "write --num-train-epochs"), refused("batch_size", .value, "write --per-device-train-batch-size"),
    refused("train_batch_size", .value, "write --per-device-train-batch-size"), refused("eval_batch_size", .value, "write --per-device-eval-batch-size"),
    refused("gradient_accumulation", .value, "write --gradient-accumulation-steps"), refused("scheduler", .value, "write --lr-scheduler-type"),
    refused("warmup", .value, "write --warmup-steps"), refused("patience", .value, "write --early-stopping-patience"),
  ]
}
